use std::fs::File;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Encoder;
use media::{Image, PixelFormat};

use super::*;

const FAST: SourceOptions = SourceOptions { size: None, fps: None, repeat: false, realtime: false, speed: 1.0 };
const AGAIN: SourceOptions = SourceOptions { repeat: true, ..FAST };

fn jpeg(level: u8) -> Bytes {
    let mut image = Image::zeroed(48, 32, PixelFormat::Gray).unwrap();
    image.pixels_mut().fill(level);
    Encoder::new().unwrap().encode(&image, 80).unwrap()
}

/// A folder with `1.jpg` and so on, each of its own brightness, and these.
fn folder(count: u8) -> (tempfile::TempDir, Vec<Bytes>) {
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<Bytes> = (1..=count).map(jpeg).collect();
    for (at, frame) in frames.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{}.jpg", at + 1)), frame).unwrap();
    }
    (folder, frames)
}

fn play(source: &mut dyn Source, most: usize) -> Result<Vec<Bytes>, SourceError> {
    let mut seen = Vec::new();
    while seen.len() < most {
        match source.next()? {
            Next::Picture(Captured { picture: Picture::Jpeg(jpeg), .. }) => seen.push(jpeg),
            Next::Waiting => {}
            Next::Ended => break,
            other => panic!("{other:?}"),
        }
    }
    Ok(seen)
}

#[test]
fn a_folder_is_shown_in_order_byte_for_byte_and_ends() {
    let (folder, frames) = folder(12);
    let mut source = Images::folder(folder.path(), &FAST).unwrap();
    assert_eq!(play(&mut source, usize::MAX).unwrap(), frames);
    assert_eq!(source.format().size, Some((48, 32)));
    assert!(matches!(source.next().unwrap(), Next::Ended));
}

#[test]
fn a_repeated_folder_begins_again() {
    let (folder, frames) = folder(3);
    let mut source = Images::folder(folder.path(), &AGAIN).unwrap();
    assert_eq!(play(&mut source, 9).unwrap(), [&frames[..], &frames, &frames].concat());
}

#[test]
fn a_pattern_chooses_among_the_files() {
    let (folder, frames) = folder(12);
    let mut source = Images::pattern(&folder.path().join("1?.jpg"), &FAST).unwrap();
    assert_eq!(play(&mut source, usize::MAX).unwrap(), frames[9..]);
}

#[test]
fn one_image_is_sent_once_and_with_repeat_for_ever() {
    let (folder, frames) = folder(1);
    let path = folder.path().join("1.jpg");
    assert_eq!(play(&mut Images::file(&path, &FAST).unwrap(), 100).unwrap(), frames);
    let mut source = Images::file(&path, &AGAIN).unwrap();
    // What it was is shown for as long as it is nothing else.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(play(&mut source, 100).unwrap(), vec![frames[0].clone(); 100]);
}

#[test]
fn images_are_shown_at_the_rate_asked_for() {
    let (folder, _) = folder(11);
    let options = SourceOptions { fps: Some(100.0), ..SourceOptions::default() };
    let mut source = Images::folder(folder.path(), &options).unwrap();
    assert!(source.is_live());
    let started = Instant::now();
    assert_eq!(play(&mut source, usize::MAX).unwrap().len(), 11);
    assert!(started.elapsed() >= Duration::from_millis(99), "{:?}", started.elapsed());
}

#[test]
fn among_several_a_broken_one_is_left_out_and_a_single_one_is_an_error() {
    let (folder, frames) = folder(3);
    let path = folder.path().join("2.jpg");
    std::fs::write(&path, &frames[1][..50]).unwrap();
    let mut source = Images::folder(folder.path(), &AGAIN).unwrap();
    let seen = play(&mut source, 4).unwrap();
    assert_eq!(seen, [&frames[0], &frames[2], &frames[0], &frames[2]].map(Clone::clone));
    assert_eq!(source.broken(), 2, "once a turn");
    let error = Images::file(&path, &FAST).unwrap_err().to_string();
    assert!(error.contains("2.jpg") && error.contains("cut short"), "{error}");
}

#[test]
fn one_that_is_broken_later_is_left_out_until_it_can_be_shown_again() {
    let (folder, frames) = folder(3);
    let path = folder.path().join("2.jpg");
    let mut source = Images::folder(folder.path(), &AGAIN).unwrap();
    assert_eq!(play(&mut source, 3).unwrap(), frames);
    assert!(source.left_out.is_empty());
    std::fs::write(&path, &frames[1][..50]).unwrap();
    assert_eq!(play(&mut source, 2).unwrap(), [frames[0].clone(), frames[2].clone()]);
    assert_eq!((source.left_out.len(), source.warnings.admit(Instant::now())), (1, None), "it has just been said");
    std::fs::write(&path, &frames[1]).unwrap();
    assert_eq!(play(&mut source, 3).unwrap(), frames);
    assert!(source.left_out.is_empty());
}

#[test]
fn where_none_can_be_shown_it_ends_with_an_error_even_when_repeated() {
    let (folder, _) = folder(2);
    for name in ["1.jpg", "2.jpg"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let error = play(&mut Images::folder(folder.path(), &AGAIN).unwrap(), 1).unwrap_err().to_string();
    assert!(error.contains("none of the 2 images"), "{error}");
}

#[test]
#[cfg(feature = "opencv")]
fn a_png_is_decoded() {
    // 1x1, red, as `convert` writes it.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDAT\x08\xd7c\xf8\xcf\xc0\0\0\x03\x01\x01\0\x18\xdd\x8d\xb0\0\0\0\0IEND\xaeB`\x82";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("red.png");
    std::fs::write(&path, PNG).unwrap();
    let mut source = Images::file(&path, &FAST).unwrap();
    let Next::Picture(Captured { picture: Picture::Raw(image), .. }) = source.next().unwrap() else { panic!() };
    assert_eq!((image.format(), image.pixels()), (PixelFormat::Bgr, &[0u8, 0, 255][..]));
    std::fs::write(&path, &PNG[..40]).unwrap();
    assert!(Images::file(&path, &FAST).unwrap_err().to_string().contains("damaged"));
}

#[test]
fn a_file_of_a_repeated_folder_is_read_again_when_it_has_changed() {
    let (folder, frames) = folder(2);
    let path = folder.path().join("2.jpg");
    let written = |age| {
        let modified = std::time::SystemTime::now() - Duration::from_secs(age);
        File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
    };
    written(60);
    let mut source = Images::folder(folder.path(), &AGAIN).unwrap();
    assert_eq!(play(&mut source, 4).unwrap(), [&frames[..], &frames].concat());

    // Of the same length: only its time tells.
    let mut other = frames[1].to_vec();
    // The lower half of JFIF's density.
    other[15] ^= 1;
    std::fs::write(&path, &other).unwrap();
    written(30);
    let changed = [frames[0].clone(), other.into()];
    assert_eq!(play(&mut source, 4).unwrap(), [&changed[..], &changed].concat());

    // What was written a moment ago may be written again with the same time.
    written(0);
    play(&mut source, 2).unwrap();
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, &frames[1]).unwrap();
    File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(play(&mut source, 2).unwrap(), frames);

    std::fs::remove_file(&path).unwrap();
    assert_eq!(play(&mut source, 2).unwrap(), [frames[0].clone(), frames[0].clone()]);
}

#[test]
fn a_single_image_that_is_repeated_is_read_again_when_it_has_changed() {
    for of_a_folder in [false, true] {
        let (folder, frames) = folder(1);
        let (first, path) = (frames[0].clone(), folder.path().join("1.jpg"));
        let renamed = |jpeg: &[u8], age| {
            let other = folder.path().join("1.jpg.new");
            std::fs::write(&other, jpeg).unwrap();
            let modified = std::time::SystemTime::now() - Duration::from_secs(age);
            File::options().append(true).open(&other).unwrap().set_modified(modified).unwrap();
            std::fs::rename(&other, &path).unwrap();
        };
        renamed(&first, 60);
        let open = if of_a_folder { Images::folder(folder.path(), &AGAIN) } else { Images::file(&path, &AGAIN) };
        let mut source = open.unwrap();
        assert_eq!(play(&mut source, 3).unwrap(), vec![first.clone(); 3]);
        assert_eq!(source.broken(), 0);

        let second = jpeg(200);
        renamed(&second, 30);
        assert_eq!(play(&mut source, 3).unwrap(), vec![second.clone(); 3]);

        // Half written, empty, and gone: what was shown last stays, and each time counts.
        renamed(&first[..first.len() / 2], 20);
        assert_eq!(play(&mut source, 2).unwrap(), vec![second.clone(); 2]);
        renamed(&[], 0);
        assert_eq!(play(&mut source, 2).unwrap(), vec![second.clone(); 2]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(play(&mut source, 2).unwrap(), vec![second; 2]);
        assert_eq!(source.broken(), 6);

        let mut large = Image::zeroed(96, 64, PixelFormat::Gray).unwrap();
        large.pixels_mut().fill(9);
        let large = Encoder::new().unwrap().encode(&large, 80).unwrap();
        renamed(&large, 0);
        assert_eq!(play(&mut source, 2).unwrap(), vec![large; 2]);
        assert_eq!((source.broken(), source.format().size), (6, Some((96, 64))));
    }
}

/// Makes a file look as if it had been written so many seconds ago.
fn age(path: &Path, seconds: u64) {
    let modified = std::time::SystemTime::now() - Duration::from_secs(seconds);
    File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
}

#[test]
fn a_single_image_that_stays_as_it_is_is_not_read_again() {
    let (folder, _) = folder(1);
    let path = folder.path().join("1.jpg");
    age(&path, 60);
    let mut source = Images::file(&path, &AGAIN).unwrap();
    let shown = play(&mut source, 3).unwrap();
    // It lies where it lay, which the source holds on to.
    assert!(shown.iter().all(|jpeg| jpeg.as_ptr() == shown[0].as_ptr()));
}

#[test]
#[cfg(unix)]
fn another_picture_of_the_same_length_and_time_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str| folder.path().join(name);
    let first = jpeg(0);
    let mut second = first.to_vec();
    // The lower half of JFIF's density.
    second[15] ^= 1;
    let modified = std::time::SystemTime::now() - Duration::from_secs(60);
    for (name, bytes) in [("a", &first[..]), ("b", &second)] {
        std::fs::write(named(name), bytes).unwrap();
        File::options().append(true).open(named(name)).unwrap().set_modified(modified).unwrap();
    }
    std::os::unix::fs::symlink(named("a"), named("1.jpg")).unwrap();
    std::fs::write(named("2.jpg"), &first).unwrap();
    let mut single = Images::file(&named("1.jpg"), &AGAIN).unwrap();
    let mut several = Images::folder(folder.path(), &AGAIN).unwrap();
    assert_eq!(play(&mut single, 2).unwrap(), [first.clone(), first.clone()]);
    assert_eq!(play(&mut several, 2).unwrap(), [first.clone(), first.clone()]);
    std::os::unix::fs::symlink(named("b"), named("new")).unwrap();
    std::fs::rename(named("new"), named("1.jpg")).unwrap();
    assert_eq!(play(&mut single, 1).unwrap(), [second.clone()]);
    assert_eq!(play(&mut several, 2).unwrap(), [Bytes::from(second), first]);
}

#[test]
#[cfg(unix)]
fn a_pipe_among_images_is_left_out() {
    let (folder, frames) = folder(3);
    let path = folder.path().join("2.jpg");
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut source = Images::folder(folder.path(), &AGAIN).unwrap();
    assert_eq!(play(&mut source, 3).unwrap(), [&frames[0], &frames[2], &frames[0]].map(Clone::clone));
    let error = Images::file(&path, &FAST).unwrap_err().to_string();
    assert!(error.contains("2.jpg") && error.contains("a pipe"), "{error}");
}

#[test]
fn a_repeated_folder_that_is_away_is_waited_for_after_a_turn_in_which_it_was_there() {
    let (folder, frames) = folder(2);
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    for name in ["1.jpg", "2.jpg"] {
        std::fs::rename(folder.path().join(name), images.join(name)).unwrap();
    }
    let mut source = Images::folder(&images, &AGAIN).unwrap();
    assert_eq!(play(&mut source, 2).unwrap(), frames);
    assert!(matches!(source.next().unwrap(), Next::Waiting), "the end of a turn");
    let aside = folder.path().join("aside");
    std::fs::rename(&images, &aside).unwrap();
    for _ in 0..9 {
        assert!(matches!(source.next().unwrap(), Next::Waiting));
    }
    std::fs::rename(&aside, &images).unwrap();
    assert_eq!(play(&mut source, 4).unwrap(), [&frames[..], &frames].concat());

    assert!(matches!(source.next().unwrap(), Next::Waiting), "the end of a turn");
    std::fs::remove_dir_all(&images).unwrap();
    source.last_turn.be_long_ago();
    let error = play(&mut source, 1).unwrap_err().to_string();
    assert!(error.contains("none of the 2 images"), "{error}");
}
