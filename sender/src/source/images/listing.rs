//! Which files a folder or a pattern means, and in which order.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use crate::source::SourceError;

/// The most images that one source lists: nine hours at 30 a second. Their names take some 100 MB.
const MAX_IMAGES: usize = 1_000_000;

/// Endings of files that are taken for images in a folder.
const IMAGE_ENDINGS: [&str; 16] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "bmp", "dib", "webp", "tif", "tiff", "ppm", "pgm", "pbm", "pnm", "jp2", "exr",
];

/// Endings of files that are JPEGs.
const JPEG_ENDINGS: [&str; 4] = ["jpg", "jpeg", "jpe", "jfif"];

/// Whether a path that is no file may be meant as a pattern for the names of files.
pub(crate) fn is_pattern(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        let tokens = parse(name);
        tokens.iter().any(|token| !matches!(token, Token::Letter(_)))
    })
}

/// Whether the name ends like that of a JPEG.
pub(crate) fn is_jpeg(path: &Path) -> bool {
    has_ending(path, &JPEG_ENDINGS)
}

/// The images in a folder, in natural order: `2.jpg` before `10.jpg`. Hidden files are left out.
pub(super) fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    list(folder, folder, |name| !name.starts_with('.') && has_ending(Path::new(name), &IMAGE_ENDINGS))
}

/// The files whose names fit a pattern, in natural order. `*` is any letters, `?` any one, `%d` a number, `%06d` one
/// of at least six digits; these are for the last part of the path, its folder is a plain one. Numbers may be missing.
pub(super) fn of_pattern(pattern: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let folder = pattern.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let tokens = pattern.file_name().and_then(|name| name.to_str()).map(parse).unwrap_or_default();
    let hidden = matches!(tokens.first(), Some(Token::Letter('.')));
    list(folder, pattern, |name| (hidden || !name.starts_with('.')) && fits(&tokens, name))
}

fn list(folder: &Path, named: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, SourceError> {
    let read = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => SourceError::NotFound { path: named.to_owned() },
        _ => SourceError::Read { path: folder.to_owned(), source },
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let name = entry.map_err(read)?.file_name();
        // A name that is not UTF-8 fits no pattern and has no ending that is known.
        if let Some(name) = name.to_str().filter(|name| wanted(name)) {
            if names.len() == MAX_IMAGES {
                return Err(SourceError::TooManyImages { path: folder.to_owned(), limit: MAX_IMAGES });
            }
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        let path = named.to_owned();
        return Err(if folder == named { SourceError::NoImages { path } } else { SourceError::NoMatch { path } });
    }
    names.sort_unstable_by(|one, other| natural(one, other));
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Letter(char),
    /// `?`
    AnyOne,
    /// `*`
    AnyNumberOf,
    /// `%d`, `%6d`, `%06d`: a number of at least so many digits.
    Digits(usize),
}

fn parse(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        tokens.push(match letter {
            '?' => Token::AnyOne,
            '*' => Token::AnyNumberOf,
            '%' => {
                let after = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
                let width = rest[..rest.len() - after.len()].parse().unwrap_or(1);
                match after.strip_prefix('d') {
                    Some(after) => {
                        rest = after;
                        Token::Digits(width)
                    }
                    None => Token::Letter('%'),
                }
            }
            letter => Token::Letter(letter),
        });
    }
    tokens
}

/// Whether a name fits. The work is at most the length of the name times that of the pattern, whatever they are: the
/// set of places in the pattern that the letters so far can have led to is carried along.
fn fits(tokens: &[Token], name: &str) -> bool {
    // reached[i]: the first i tokens can stand for what was read; digits[i]: how many digits token i has eaten.
    let mut reached = vec![false; tokens.len() + 1];
    let mut digits = vec![0usize; tokens.len()];
    reached[0] = true;
    open_ends(tokens, &mut reached, &digits);
    for letter in name.chars() {
        let mut next = vec![false; tokens.len() + 1];
        let mut next_digits = vec![0usize; tokens.len()];
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Letter(wanted) => next[at + 1] |= reached[at] && *wanted == letter,
                Token::AnyOne => next[at + 1] |= reached[at],
                Token::AnyNumberOf => next[at + 1] |= reached[at] || reached[at + 1],
                Token::Digits(_) if letter.is_ascii_digit() => {
                    // Of the ways to have come here, the one with most digits lets the most follow.
                    if digits[at] > 0 {
                        next_digits[at] = digits[at] + 1;
                    } else if reached[at] {
                        next_digits[at] = 1;
                    }
                }
                Token::Digits(_) => {}
            }
        }
        (reached, digits) = (next, next_digits);
        open_ends(tokens, &mut reached, &digits);
    }
    reached[tokens.len()]
}

/// Adds what is reached without a further letter: `*` may stand for none, and a number may be long enough.
fn open_ends(tokens: &[Token], reached: &mut [bool], digits: &[usize]) {
    for (at, token) in tokens.iter().enumerate() {
        reached[at + 1] |= match token {
            Token::AnyNumberOf => reached[at],
            Token::Digits(least) => digits[at] >= (*least).max(1),
            Token::Letter(_) | Token::AnyOne => false,
        };
    }
}

/// Order in which people number files: runs of digits by their value, the rest letter by letter.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        let order = match (left.chars().next(), right.chars().next()) {
            // The same up to leading zeros: any order will do, as long as it is always the same.
            (None, None) => return one.cmp(other),
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (number_a, number_b);
                (number_a, left) = number(left);
                (number_b, right) = number(right);
                number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b))
            }
            (Some(a), Some(b)) => {
                (left, right) = (&left[a.len_utf8()..], &right[b.len_utf8()..]);
                a.cmp(&b)
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The number that a text begins with, without leading zeros, and what follows it.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_number_them() {
        let mut names = ["10.jpg", "9.jpg", "a10b2", "a2b10", "a2b9", "a", "009.jpg", "Ä1", "", "1.jpg"];
        names.sort_unstable_by(|one, other| natural(one, other));
        assert_eq!(names, ["", "1.jpg", "009.jpg", "9.jpg", "10.jpg", "a", "a2b9", "a2b10", "a10b2", "Ä1"]);
    }

    #[test]
    fn a_pattern_fits_what_it_should_and_nothing_else() {
        for (pattern, fitting, other) in [
            ("*.jpg", &["a.jpg", ".jpg", "a.jpg.jpg"][..], &["a.jpeg", "jpg", "a.jpg~"][..]),
            ("%06d.jpg", &["000001.jpg", "1234567.jpg"], &["00001.jpg", "a000001.jpg", "-00001.jpg"]),
            ("%d.png", &["1.png", "0042.png"], &[".png", "1a.png"]),
            ("f?_%3d*", &["fa_001", "fä_1234.tif"], &["f_001", "fa_01", "fab_001"]),
            ("a*%2dx*", &["a12x", "ab123x4", "a1x22x"], &["a1x", "a12"]),
            ("100%.jpg", &["100%.jpg"], &["1000.jpg"]),
            ("%d%d", &["12", "345"], &["1", ""]),
        ] {
            let tokens = parse(pattern);
            for name in fitting {
                assert!(fits(&tokens, name), "{pattern} {name}");
            }
            for name in other {
                assert!(!fits(&tokens, name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        let started = std::time::Instant::now();
        assert!(!fits(&parse(&format!("{}b", "*a".repeat(60))), &"a".repeat(250)));
        assert!(!fits(&parse(&format!("{}x", "*%d".repeat(60))), &"1".repeat(250)));
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
    }

    #[test]
    fn only_names_with_a_placeholder_are_patterns() {
        for (path, pattern) in
            [("a/*.jpg", true), ("%06d.jpg", true), ("a?", true), ("a*/b.jpg", false), ("5%.jpg", false)]
        {
            assert_eq!(is_pattern(Path::new(path)), pattern, "{path}");
        }
    }

    #[test]
    fn a_folder_gives_its_images_and_says_when_it_has_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["10.jpg", "2.JPG", "3.png", "notes.txt", ".4.jpg"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |listed: Vec<PathBuf>| -> Vec<String> {
            listed.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(of_folder(folder.path()).unwrap()), ["2.JPG", "3.png", "10.jpg"]);
        assert_eq!(names(of_pattern(&folder.path().join("%d.*g")).unwrap()), ["3.png", "10.jpg"]);
        let error = of_pattern(&folder.path().join("%d.bmp")).unwrap_err();
        assert!(matches!(error, SourceError::NoMatch { .. }));
        let error = of_pattern(&folder.path().join("nowhere/%d.bmp")).unwrap_err();
        assert!(matches!(error, SourceError::NotFound { .. }));
    }
}
