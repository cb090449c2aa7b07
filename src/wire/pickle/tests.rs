//! One rule after another, on programs put together by hand.

use super::opcode as op;
use super::*;
use proptest::prelude::*;

const ARRAY: &[u8] =
    b"\x8c\x15numpy.core.multiarray\x8c\x0c_reconstruct\x93\x8c\x05numpy\x8c\x07ndarray\x93K\0\x85C\x01b\x87R";
const DTYPE: &[u8] =
    b"\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
const FROM_BUFFER: &[u8] = b"\x8c\x12numpy.core.numeric\x8c\x0b_frombuffer\x93";

fn read(pieces: &[&[u8]]) -> Result<Picture, Refused> {
    Picture::read(&pieces.concat().into())
}

fn refusal(pieces: &[&[u8]]) -> Refusal {
    read(pieces).expect_err("accepted").what
}

/// A picture with this shape, flag of Fortran order and content, each as opcodes.
fn built(shape: &[u8], fortran: &[u8], content: &[u8]) -> Result<Picture, Refused> {
    read(&[b"\x80\x04", ARRAY, b"(K\x01", shape, DTYPE, fortran, content, b"tb."])
}

/// A picture of protocol 5, by the arguments that follow its type.
fn from_buffer(content: &[u8], shape_and_order: &[u8]) -> Result<Picture, Refused> {
    read(&[b"\x80\x05", FROM_BUFFER, b"(", content, DTYPE, shape_and_order, b"tR."])
}

#[test]
fn each_order_of_axes_gives_the_same_picture() {
    // Two rows of two pixels, gray and in colour, by the three orders.
    let gray = built(b"K\x02K\x02\x86", b"\x89", b"C\x04abcd").unwrap();
    assert_eq!((gray.width, gray.height, gray.pixel, &gray.pixels[..]), (2, 2, Pixel::Gray, &b"abcd"[..]));
    assert_eq!(built(b"K\x02K\x02\x86", b"\x88", b"C\x04acbd").unwrap(), gray);
    let color = built(b"K\x01K\x02K\x03\x87", b"\x89", b"C\x06bgrBGR").unwrap();
    assert_eq!((color.width, color.height, color.pixel, &color.pixels[..]), (2, 1, Pixel::Bgr, &b"bgrBGR"[..]));
    assert_eq!(built(b"K\x01K\x02K\x03\x87", b"\x88", b"C\x06bBgGrR").unwrap(), color);
    let planes = b"K\x03K\x01K\x02\x87\x8c\x01KK\x01K\x02K\0\x87";
    assert_eq!(from_buffer(b"C\x06bBgGrR", planes).unwrap(), color);
    assert_eq!(from_buffer(b"C\x06bgrBGR", b"K\x01K\x02K\x03\x87\x8c\x01C").unwrap(), color);
    assert_eq!(from_buffer(b"C\x06bBgGrR", b"K\x01K\x02K\x03\x87\x8c\x01F").unwrap(), color);
}

#[test]
fn pixels_stay_where_they_stand() {
    let pickle: Bytes = [b"\x80\x04", ARRAY, b"(K\x01K\x02K\x02\x86", DTYPE, b"\x89C\x04abcdtb."].concat().into();
    let picture = Picture::read(&pickle).unwrap();
    let at = pickle.len() - b"abcdtb.".len();
    assert_eq!(picture.pixels.as_ptr(), pickle[at..].as_ptr());
}

#[test]
fn shapes_that_are_no_picture_are_named() {
    for (shape, name) in [
        (&b"K\x04\x85"[..], "(4,)"),
        (b"K\x01K\x01K\x04\x87", "(1, 1, 4)"),
        (b"K\x02K\x02K\x01\x87", "(2, 2, 1)"),
        (b"K\0K\x04\x86", "(0, 4)"),
        (b"J\xff\xff\xff\xffK\x04\x86", "(-1, 4)"),
        (b"J\0\0\x01\0K\x04\x86", "(65536, 4)"),
        (b"(K\x01K\x01K\x01K\x04t", "(1, 1, 1, 4)"),
    ] {
        let error = built(shape, b"\x89", b"C\x04abcd").unwrap_err();
        assert!(matches!(error.what, Refusal::Shape(_)) && error.to_string().contains(name), "{error}");
    }
    let error = built(b"J\xff\xff\0\0J\xff\xff\0\0K\x03\x87", b"\x89", b"C\x04abcd").unwrap_err();
    assert_eq!(error.to_string().split(" (at").next(), Some("refused: 4 bytes in an array of shape (65535, 65535, 3)"));
}

#[test]
fn axes_are_each_named_once() {
    let picture = |axes: &[u8]| from_buffer(b"C\x06bBgGrR", &[b"K\x03K\x01K\x02\x87\x8c\x01K", axes].concat());
    assert!(picture(b"K\x01K\x02K\0\x87").is_ok());
    for axes in [&b"K\x01K\x01K\0\x87"[..], b"K\x01K\x02K\x03\x87", b"K\x01K\0\x86", b"N", b""] {
        assert_eq!(picture(axes).unwrap_err().what, Refusal::Arguments("_frombuffer"), "{axes:?}");
    }
}

#[test]
fn text_stands_for_pixels_if_every_character_is_a_byte() {
    let encoded = |text: &[u8]| {
        let text = [&b"X"[..], &(text.len() as u32).to_le_bytes(), text].concat();
        built(b"K\x01K\x03\x86", b"\x89", &[b"c_codecs\nencode\n", &text[..], b"X\x06\0\0\0latin1\x86R"].concat())
    };
    assert_eq!(encoded("a\u{80}\u{FF}".as_bytes()).unwrap().pixels, b"a\x80\xFF"[..]);
    for text in [&b"ab\xC4\x80"[..], b"ab\xC3", b"a\xC3b", b"ab\xE0\x80\x80", b"ab\xFF"] {
        assert_eq!(encoded(text).unwrap_err().what, Refusal::NotLatin1, "{text:?}");
    }
    assert!(matches!(encoded(b"ab").unwrap_err().what, Refusal::Length { got: 2, .. }));
    let utf8 = built(b"K\x01K\x03\x86", b"\x89", b"c_codecs\nencode\nX\x03\0\0\0abcX\x04\0\0\0utf8\x86R");
    assert_eq!(utf8.unwrap_err().what, Refusal::Arguments("_codecs.encode"));
}

#[test]
fn elements_are_bytes() {
    let dtype = |name: &[u8], rest: &[u8]| {
        let name = [&[op::SHORT_BINUNICODE, name.len() as u8], name].concat();
        refusal(&[b"\x80\x04", ARRAY, b"\x8c\x05numpy\x8c\x05dtype\x93", &name, rest, b"."])
    };
    assert_eq!(dtype(b"f8", b"\x89\x88\x87R"), Refusal::Element("f8".into()));
    assert_eq!(dtype(b"O8\x1b[2J", b"\x89\x88\x87R"), Refusal::Element("O8\\u{1b}[2J".into()));
    assert_eq!(dtype(b"u1", b"\x88\x88\x87R"), Refusal::Arguments("numpy.dtype"));
    let state = b"\x89\x88\x87R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb";
    assert_eq!(dtype(b"u1", state), Refusal::Arguments("the state of a numpy.dtype"));
}

#[test]
fn what_python_would_run_is_refused_by_its_name() {
    // What `pickle.dumps` makes of an object whose `__reduce__` returns (os.system, ("id",)), by protocols 2 and 4.
    let error = read(&[b"\x80\x02cos\nsystem\nq\0X\x02\0\0\0idq\x01\x85q\x02Rq\x03."]).unwrap_err();
    assert_eq!(error.to_string(), "refused: global os.system (at byte 2 of the pickle)");
    let error = read(&[
        b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
    ]);
    assert_eq!(error.unwrap_err().to_string(), "refused: global posix.system (at byte 28 of the pickle)");
    // Of the modules in the list, nothing else either.
    let eval = refusal(&[b"\x80\x02cnumpy.core.multiarray\nscalar\n."]);
    assert!(matches!(eval, Refusal::Global { name, .. } if name == "scalar"));
    let long = refusal(&[b"\x80\x02c", &[b'x'; 1000], b"\nsystem\n."]);
    assert!(matches!(long, Refusal::Global { module, .. } if module.chars().count() <= 65));
}

#[test]
fn types_of_the_list_are_not_called_as_numpy_does_not_call_them() {
    for program in [
        &b"cnumpy\nndarray\nK\x04\x85R."[..],
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\0\x85C\x01b\x87R.",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x01\x85C\x01b\x87R.",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01O\x87R.",
    ] {
        assert!(matches!(refusal(&[b"\x80\x04", program]), Refusal::Arguments(_)));
    }
}

/// Every byte that is not an opcode of the list, wherever an opcode may stand.
#[test]
fn each_opcode_outside_of_the_list_is_refused_by_its_name() {
    let known = b"(.\x95N\x88\x89JKM\x8cXUTCB\x96c\x93\x85\x86\x87tq\x94hRb";
    let before_each = [&b"\x80\x04"[..], &[b"\x80\x04", ARRAY].concat(), &[b"\x80\x04", ARRAY, b"(K\x01"].concat()];
    for opcode in (0..=255).filter(|opcode| !known.contains(opcode)) {
        for before in before_each {
            let error = read(&[before, &[opcode], DTYPE]).unwrap_err();
            assert_eq!(error, Refused { what: Refusal::Opcode(opcode), at: before.len() });
        }
    }
    for (opcode, name) in [(b'i', "INST"), (b'o', "OBJ"), (0x81, "NEWOBJ"), (0x82, "EXT1"), (b'Q', "BINPERSID")] {
        let error = read(&[b"\x80\x04", &[opcode]]).unwrap_err().to_string();
        assert_eq!(error, format!("refused: opcode {name} (at byte 2 of the pickle)"));
    }
    let error = read(&[b"\x80\x04\xFE"]).unwrap_err().to_string();
    assert_eq!(error, "refused: opcode 0xfe, which Python does not have (at byte 2 of the pickle)");
}

/// Each of them on an empty stack, and on one on which only a mark lies.
#[test]
fn opcodes_without_what_they_work_on_are_refused() {
    for opcode in [op::STACK_GLOBAL, op::TUPLE1, op::TUPLE2, op::TUPLE3, op::BINPUT, op::MEMOIZE, op::REDUCE, op::BUILD]
    {
        for before in [&b""[..], b"(", b"NN(", b"N"] {
            let error = refusal(&[b"\x80\x04", before, &[opcode, 0]]);
            let alone = matches!(opcode, op::TUPLE1 | op::BINPUT | op::MEMOIZE) && before == b"N";
            assert!(alone || error == Refusal::Operands(opcode), "{opcode:#x} after {before:?}: {error}");
        }
    }
    assert_eq!(refusal(&[b"\x80\x04Nt"]), Refusal::Operands(op::TUPLE));
    assert_eq!(refusal(&[b"\x80\x04h\x07"]), Refusal::Operands(op::BINGET));
}

#[test]
fn a_pickle_is_one_array_and_ends_there() {
    assert_eq!(refusal(&[]), Refusal::Protocol);
    for protocol in [0, 1, 6, 255] {
        assert_eq!(refusal(&[&[op::PROTO, protocol], b"N."]), Refusal::Protocol);
    }
    for program in [&b"."[..], b"N.", b"NN.", b"(.", DTYPE] {
        let end: &[u8] = if program.ends_with(b".") { b"" } else { b"." };
        assert_eq!(refusal(&[b"\x80\x04", program, end]), Refusal::NotAnArray);
    }
    let whole = [b"\x80\x04", ARRAY, b"(K\x01K\x02K\x02\x86", DTYPE, b"\x89C\x04abcdtb."].concat();
    assert!(read(&[&whole]).is_ok());
    assert_eq!(refusal(&[&whole, b".."]), Refusal::Trailing(2));
    assert_eq!(refusal(&[&whole[..whole.len() - 1], b"N."]), Refusal::NotAnArray);
    for len in 2..whole.len() {
        assert_eq!(refusal(&[&whole[..len]]), Refusal::CutShort, "of {len} bytes");
    }
}

#[test]
fn length_claims_cost_nothing() {
    for claim in [
        &b"\x96\0\0\0\0\0\0\0\x80"[..],
        b"\x96\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x95\0\0\0\x40\0\0\0\0",
        b"B\xff\xff\xff\xff",
        b"X\0\0\0\x80",
    ] {
        assert_eq!(refusal(&[b"\x80\x04", claim, b"abc."]), Refusal::CutShort);
    }
    let error = read(&[b"\x80\x04", &[op::NONE; 1 << 20]]).unwrap_err();
    assert_eq!(error, Refused { what: Refusal::TooManyOpcodes, at: MAX_OPCODES + 1 });
}

proptest! {
    #[test]
    fn any_opcodes_end_somehow(program in prop::collection::vec(
        prop::sample::select(&b"(.\x95N\x88\x89JKM\x8cXUTCB\x96c\x93\x85\x86\x87tq\x94hRb\0\x01\x02\x03"[..]), 0..200)
    ) {
        let _ = read(&[b"\x80\x04", &program]);
        let _ = read(&[b"\x80\x04", ARRAY, &program]);
    }
}
