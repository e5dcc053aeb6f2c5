//! What a page of HTML links to.

use std::io::{self, Read};

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{IoReader, Token, Tokenizer};
use url::Url;

/// Reads a page to its end and returns where it links to, without the places within pages. `base` is where it is from.
///
/// # Errors
/// It could not be read.
pub fn links(page: impl Read, base: &Url) -> io::Result<Vec<Url>> {
    let mut emitter = DefaultEmitter::default();
    // What looks like a tag in a script is none.
    emitter.naively_switch_states(true);
    let mut links = Vec::new();
    for token in Tokenizer::new_with_emitter(IoReader::new(page), emitter) {
        let Token::StartTag(tag) = token? else { continue };
        let Some(link) = tag.attributes.get(&b"href"[..]) else { continue };
        // One that is no URL leads nowhere.
        if let Ok(mut link) = base.join(&String::from_utf8_lossy(link)) {
            link.set_fragment(None);
            links.push(link);
        }
    }
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_wherever_they_stand() {
        let page = r##"<!DOCTYPE html><link rel=x href=style.css><A HREF='b%20c/?x=1&amp;y=2#z'>b</a><a href="#here">c</a>
            <!-- <a href=comment> --><script>"<a href=script>"</script><a name=none><a href="http://[">
            <img src=image><a href=//other/d><a href="../e">"##;
        let links = links(page.as_bytes(), &Url::parse("http://host/a/").unwrap()).unwrap();
        let links: Vec<&str> = links.iter().map(Url::as_str).collect();
        let expected = [
            "http://host/a/style.css",
            "http://host/a/b%20c/?x=1&y=2",
            "http://host/a/",
            "http://other/d",
            "http://host/e",
        ];
        assert_eq!(links, expected);
    }
}
