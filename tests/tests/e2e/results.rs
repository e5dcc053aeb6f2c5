//! The samples that compute: each comes to the same result on any number of processors and on small stacks.

use std::fs::{self, File};
use std::io::BufReader;

use sward_tests::Finished;

use crate::command::{run, sward};

/// What the runtime is told.
const SETTINGS: [&str; 5] =
    ["--procs 1", "--procs 2", "--procs 8", "--procs 1 --stack-size 16K", "--procs 8 --stack-size 16K"];

/// Checks what a sample prints, under all settings.
#[track_caller]
fn prints(sample: &str, wanted: &str) {
    for settings in SETTINGS {
        let finished = run(&format!("run {sample} {settings}")).exits_with(0);
        assert_eq!(finished.stdout, format!("{wanted}\n"), "{sample} {settings}; {finished}");
    }
}

#[test]
fn sieve() {
    prints("sieve 300", "prime number 300 is 1987");
    prints("sieve 1", "prime number 1 is 2");
}

#[test]
fn ring() {
    prints("ring --nodes 50 --hops 12345", "12345 hops round 50 nodes end at node 45");
    prints("ring --nodes 2 --hops 7", "7 hops round 2 nodes end at node 1");
    prints("ring --nodes 503 --hops 0", "0 hops round 503 nodes end at node 0");
}

#[test]
fn pingpong() {
    prints("pingpong 20000", "20000 round trips");
    prints("pingpong 0", "0 round trips");
}

#[test]
fn skynet() {
    prints("skynet 10000", "10000 leaves add up to 49995000");
    prints("skynet 1234", "1234 leaves add up to 760761");
    prints("skynet 1", "1 leaves add up to 0");
}

#[test]
fn philosophers() {
    prints("philosophers --seats 7 --meals 500", "7 philosophers ate 3500 meals");
    prints("philosophers --seats 2 --meals 500", "2 philosophers ate 1000 meals");
    prints("philosophers --seats 1000 --meals 1", "1000 philosophers ate 1000 meals");
}

/// However many hogs there are, the ticker gets its turns, and so does some hog.
#[test]
fn hog() {
    for settings in ["--procs 1", "--procs 2", "--procs 8", "--procs 1 --hogs 5", "--procs 2 --hogs 0"] {
        let finished = run(&format!("run hog --ticks 20 {settings}")).exits_with(0);
        let [ticks, late] = finished.stdout.lines().collect::<Vec<_>>()[..] else { panic!("two lines; {finished}") };
        let hogs = match settings.rsplit_once("--hogs ") {
            Some((_, hogs)) => hogs,
            None => settings.trim_start_matches("--procs "),
        };
        let counted = ticks.strip_prefix(&format!("20 ticks beside {hogs} hogs, which counted to "));
        let counted: u64 = counted.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{finished}"));
        assert_eq!(counted > 0, hogs != "0", "{finished}");

        let words: Vec<&str> = late.split([' ', ',']).collect();
        let ["late", "by", "ms:", "p50", p50, "", "p99", p99, "", "max", max] = words[..] else { panic!("{finished}") };
        let [p50, p99, max] = [p50, p99, max].map(|millis| millis.parse::<f64>().expect("a number of milliseconds"));
        assert!(0.0 <= p50 && p50 <= p99 && p99 <= max, "{finished}");
    }
}

/// What a picture file says of itself, once decoded: width, and each pixel's red, green and blue.
fn decode(path: &std::path::Path) -> (u32, Vec<u8>) {
    let file = BufReader::new(File::open(path).expect("there is a picture"));
    let mut reader = png::Decoder::new(file).read_info().expect("its header is one of a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("it is small")];
    let frame = reader.next_frame(&mut pixels).expect("it can be decoded to its end");
    assert_eq!((frame.color_type, frame.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    assert_eq!(frame.width, frame.height);
    (frame.width, pixels)
}

#[test]
fn mandelbrot_draws_a_picture() {
    let root = tempfile::tempdir().expect("a directory for the test");
    let mut pictures = Vec::new();
    for procs in ["1", "2", "8"] {
        let name = format!("{procs}.png");
        let mut command = sward("run mandelbrot --size 60 --iterations 200");
        let finished =
            Finished::of(command.args(["--procs", procs, "-o", &name]).current_dir(root.path())).exits_with(0);
        let (size, pixels) = decode(&root.path().join(&name));
        assert_eq!(size, 60);
        let inside = pixels.chunks(3).filter(|&pixel| pixel == [0, 0, 0]).count();
        assert_eq!(finished.stdout, format!("{name}: 60 x 60, {inside} of 3600 points in the set\n"));
        // The set's area is 1.5066, the picture's 2.5 times 2.5.
        assert!((800..1_000).contains(&inside), "{inside} points");
        pictures.push(pixels);
    }
    assert!(pictures.windows(2).all(|two| two[0] == two[1]), "pictures differ by the number of processors");
}

#[test]
fn mandelbrot_names_what_it_cannot_write() {
    let root = tempfile::tempdir().expect("a directory for the test");
    fs::write(root.path().join("file"), "").expect("a file");
    for (output, error) in [
        ("missing/m.png", "No such file or directory (os error 2)"),
        ("file/m.png", "Not a directory (os error 20)"),
        (".", "Is a directory (os error 21)"),
        ("/dev/full", "No space left on device (os error 28)"),
    ] {
        let mut command = sward("run mandelbrot --size 20 -o");
        let finished = Finished::of(command.arg(output).current_dir(root.path())).exits_with(1);
        assert_eq!(finished.stderr, format!("sward run mandelbrot: {output}: {error}\n"));
        assert_eq!(finished.stdout, "");
    }
}
