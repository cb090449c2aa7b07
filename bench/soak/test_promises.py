"""docs/reliability.md names only what there is: python3 -m unittest discover bench/soak"""

import os
import re
import sys
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path += [os.path.join(HERE, "..", "suite"), os.path.join(HERE, "..", "loss")]

import faults

PAGE = os.path.join("docs", "reliability.md")
# Attributes and comments may stand between.
TEST = r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*|//[^\n]*\n\s*)*(?:async )?fn %s\("
CONSTANT = r"\bconst %s:"


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def quoted(text):
    return re.findall(r"`([^`]+)`", text)


def named(text):
    """What the page names: paths, and names with the path that stands last before them."""
    path = None
    for word in quoted(text):
        if re.fullmatch(r"[\w/]+\.(rs|py)|script/\w+", word):
            path = word
            yield path, None
        elif re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+){2,}|[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", word):
            yield path, word


def missing(text):
    for path, name in named(text):
        if not path or not os.path.isfile(os.path.join(ROOT, path)):
            yield f"{path} ({name or 'no such file'})"
        elif name and not re.search((CONSTANT if name.isupper() else TEST) % name, read(path)):
            yield f"{path}: {name}"


class Promises(unittest.TestCase):
    def test_every_test_and_constant_that_the_page_names_is_there(self):
        text = read(PAGE)
        self.assertEqual(list(missing(text)), [])
        self.assertGreater(sum(1 for _, name in named(text) if name), 80)

    def test_what_is_not_there_is_noticed(self):
        tests, none = "bench/soak/test_promises.py", "src/none.rs"
        memory = "`src/memory.rs`"
        for text in (f"`{none}`", f"{memory} `a_test_that_nobody_wrote`", f"{memory} `NO_SUCH_BOUND`", "`a_test_of_nothing`"):
            self.assertEqual(len(list(missing(text))), 1, text)
        self.assertEqual(list(missing(f"`{tests}`, `src/memory.rs` `SPARE_BYTES`")), [])

    def test_every_fault_of_the_soak_is_on_the_page_and_no_other(self):
        said = set(re.findall(r"\*([\w ]+)\*(?=[,; |])", "".join(line for line in read(PAGE).splitlines() if "soak: " in line)))
        kinds = {fault.kind for kind in faults.kinds(types.SimpleNamespace(clocks={"sender": None}), 1)[0] for fault in kind}
        self.assertEqual(said, kinds)

    def test_links_to_the_page_lead_somewhere(self):
        anchors = set(re.findall(r'<a id="([^"]+)">', read(PAGE)))
        links = re.findall(r"reliability\.md#([\w-]+)", read("README.md"))
        self.assertGreater(len(links), 5)
        self.assertEqual([link for link in links if link not in anchors], [])
