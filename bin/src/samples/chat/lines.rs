//! What a client says, a line at a time.

use std::io::{self, ErrorKind};

use crate::server::Client;

/// The longest line that is accepted, in bytes.
const LONGEST: usize = 1024;

/// The lines of a client.
pub struct Lines<'a> {
    client: &'a Client,
    received: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub fn of(client: &'a Client) -> Self {
        Lines { client, received: Vec::new() }
    }

    /// Waits for the next line, which comes as text without its end. The last one need not have one. There are no more once the client has
    /// closed its end, or the server stops.
    ///
    /// # Errors
    /// The connection is broken; or a line is too long, as [`ErrorKind::InvalidData`].
    pub fn next(&mut self) -> io::Result<Option<String>> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.received[searched..].iter().position(|&byte| byte == b'\n') {
                let line = text(&self.received[..searched + end]);
                self.received.drain(..=searched + end);
                return Ok(Some(line));
            }
            searched = self.received.len();
            if searched > LONGEST {
                return Err(ErrorKind::InvalidData.into());
            }
            let mut piece = [0; LONGEST];
            let length = self.client.read_next(&mut piece)?;
            if length == 0 {
                let rest = std::mem::take(&mut self.received);
                return Ok((!rest.is_empty()).then(|| text(&rest)));
            }
            self.received.extend_from_slice(&piece[..length]);
        }
    }
}

/// A line as others may see it: without characters that mean something to their terminals.
fn text(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let harmless: String = line.chars().filter(|character| !character.is_control()).collect();
    harmless.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn lines_are_harmless_to_terminals() {
        assert_eq!(text(b" h\x1b[31mi\x07\xff \r"), "h[31mi\u{fffd}");
        assert_eq!(text("\u{9b}2J grüße".as_bytes()), "2J grüße");
    }
}
