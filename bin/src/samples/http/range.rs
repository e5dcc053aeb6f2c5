//! `Range`: which part of a file is wanted.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it. So do headers that aren't understood: a server may always send everything.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that the file doesn't have.
    Beyond,
}

/// What `header` asks for, of a file of `length` bytes. Several ranges at once are answered with everything.
pub fn wanted(header: &str, length: u64) -> Wanted {
    parse(header, length).unwrap_or(Wanted::All)
}

fn parse(header: &str, length: u64) -> Option<Wanted> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let part = match range.trim().split_once('-')? {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..length.min(last.saturating_add(1))
        }
    };
    Some(if part.is_empty() { Wanted::Beyond } else { Wanted::Part(part) })
}

/// A number of decimal digits and nothing else. One that is too large is beyond any file.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_to_what_there_is() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=2-99", 2..10),
            ("bytes=2-99999999999999999999999", 2..10),
            ("bytes=9-", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("Bytes = 0-9", 0..10),
        ] {
            assert_eq!(wanted(range, 10), Wanted::Part(part), "{range}");
        }
    }

    #[test]
    fn parts_beyond_the_end_are_told_apart_from_nonsense() {
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(range, 10), Wanted::Beyond, "{range}");
        }
        for range in
            ["", "bytes", "bytes=", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "bytes=a-b", "bytes=+1-2", "lines=1-2"]
        {
            assert_eq!(wanted(range, 10), Wanted::All, "{range}");
        }
    }

    #[test]
    fn an_empty_file_has_no_parts() {
        for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(wanted(range, 0), Wanted::Beyond, "{range}");
        }
    }
}
