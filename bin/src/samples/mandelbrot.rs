//! `mandelbrot`: a picture of the Mandelbrot set, a green thread for each row.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use png::{BitDepth, ColorType, Encoder};
use sward::fs::File;
use sward::thread::{self, Builder};

use super::whole;
use crate::progress;
use crate::report::note;

/// Draw the Mandelbrot set, a green thread for each row, and write a PNG
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run mandelbrot -o mandelbrot.png --size 1000")]
pub struct Args {
    /// Where the picture goes
    #[arg(short, long, value_name = "F.png", default_value = "mandelbrot.png")]
    output: PathBuf,
    /// Width and height in pixels
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = whole(1..=16_384))]
    size: u64,
    /// How often a point is followed before it is taken to be in the set
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = whole(1..=1_000_000_000))]
    iterations: u64,
}

type Pixel = [u8; 3];

const IN_THE_SET: Pixel = [0; 3];

/// Stack of the green thread that writes the file. The compressor makes its tables on the stack before they are boxed,
/// some 300 KiB of them where the compiler does not optimise.
const WRITER_STACK: usize = 1 << 20;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let output = args.output;
    // Both fit: their parsers have seen to that.
    let (size, iterations) = (args.size as u32, args.iterations as u32);
    // The file is made first: a path that cannot be written is known before the work is done.
    let written = File::create(&output).and_then(|file| {
        let picture = draw(size, iterations);
        let inside = picture.iter().filter(|&&pixel| pixel == IN_THE_SET).count();
        write(file, size, picture)?;
        Ok(inside)
    });
    let path = output.display();
    match written {
        Ok(inside) => {
            let points = u64::from(size).pow(2);
            writeln!(io::stdout(), "{path}: {size} x {size}, {inside} of {points} points in the set")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            note(format_args!("sward run mandelbrot: {path}: {error}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Draws -2 to 0.5 by -1.25i to 1.25i, row by row from the top.
fn draw(size: u32, iterations: u32) -> Vec<Pixel> {
    let bar = progress::steps(size.into());
    let step = 2.5 / f64::from(size);
    let mut picture = vec![IN_THE_SET; (size as usize).pow(2)];
    thread::scope(|scope| {
        for (row, y) in picture.chunks_mut(size as usize).zip(0..size) {
            let bar = &bar;
            scope.spawn(move || {
                let im = 1.25 - (f64::from(y) + 0.5) * step;
                for (pixel, x) in row.iter_mut().zip(0..size) {
                    let re = -2.0 + (f64::from(x) + 0.5) * step;
                    if let Some(escape) = escape(re, im, iterations) {
                        *pixel = colour(escape, iterations);
                    }
                }
                bar.inc(1);
            });
        }
    });
    bar.finish_and_clear();
    picture
}

/// After how many steps of z = z² + c the point is surely outside the set; none if that does not happen in time.
fn escape(re: f64, im: f64, iterations: u32) -> Option<u32> {
    let (mut x, mut y) = (0.0, 0.0);
    for n in 0..iterations {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return Some(n);
        }
        (x, y) = (xx - yy + re, 2.0 * x * y + im);
    }
    None
}

/// From dark blue far outside the set to light yellow at its edge; never black, which is the set itself.
fn colour(escape: u32, iterations: u32) -> Pixel {
    let near = f64::from(escape + 1).ln() / f64::from(iterations).ln_1p();
    let shade = |from: f64, to: f64| (from + (to - from) * near) as u8;
    [shade(0.0, 255.0), shade(8.0, 240.0), shade(64.0, 160.0)]
}

/// Writes the picture on a green thread with room for the compressor, however small the other stacks are.
fn write(file: File, size: u32, picture: Vec<Pixel>) -> io::Result<()> {
    let writer = Builder::new()
        .name("writer".to_owned())
        .stack_size(WRITER_STACK)
        .spawn(move || write_png(file, size, &picture))
        .expect("a green thread can be started");
    writer.join().expect("the writer does not panic")
}

fn write_png(file: File, size: u32, picture: &[Pixel]) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    let mut encoder = Encoder::new(&mut file, size, size);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let mut image = encoder.write_header()?;
    image.write_image_data(picture.as_flattened())?;
    image.finish()?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_in_the_set_and_the_corner_is_not() {
        assert_eq!(escape(0.0, 0.0, 1_000), None);
        assert_eq!(escape(-1.0, 0.0, 1_000), None);
        assert_eq!(escape(-2.0, 1.25, 1_000), Some(1));
    }

    #[test]
    fn no_point_outside_is_drawn_as_inside() {
        for iterations in [1, 2, 1_000] {
            assert!((0..iterations).all(|n| colour(n, iterations) != IN_THE_SET));
        }
    }
}
