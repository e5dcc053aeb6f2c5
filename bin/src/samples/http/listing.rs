//! A directory without an index, as a page of links.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::fs::Dir;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// What is escaped in a link: all but what never means anything.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The entries of the directory at `path` that can be served, in the order of their names. The name of a directory ends in a
/// slash.
///
/// # Errors
/// The directory could not be read.
pub fn entries(root: &Dir, path: &Path) -> io::Result<Vec<OsString>> {
    let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let mut entries = Vec::new();
    for entry in root.read_dir(here)? {
        let mut name = entry?.file_name();
        // Of what a link leads to, if it leads to something inside.
        let Ok(metadata) = root.metadata(path.join(&name)) else { continue };
        if metadata.is_dir() {
            name.push("/");
        } else if !metadata.is_file() {
            continue;
        }
        entries.push(name);
    }
    entries.sort_unstable();
    Ok(entries)
}

/// The page for the directory at `path`.
pub fn page(path: &Path, entries: &[OsString]) -> String {
    let title = format!("/{}", escape(path.as_os_str()));
    let mut page = format!("<!DOCTYPE html>\n<title>{title}</title>\n<h1>{title}</h1>\n<ul>\n");
    let above = (!path.as_os_str().is_empty()).then(|| OsString::from("../"));
    for name in above.iter().chain(entries) {
        writeln!(page, "<li><a href=\"{}\">{}</a>", link(name), escape(name)).expect("a string takes all");
    }
    page.push_str("</ul>\n");
    page
}

/// A relative link to `name`.
fn link(name: &OsStr) -> String {
    let name = name.as_bytes();
    match name.strip_suffix(b"/") {
        Some(directory) => format!("{}/", percent_encode(directory, ESCAPED)),
        None => percent_encode(name, ESCAPED).to_string(),
    }
}

/// Text that means nothing to a browser but itself.
fn escape(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless_in_a_page() {
        let page = page(Path::new("a&b/"), &["<i>".into(), "x y:z/".into(), OsStr::from_bytes(b"\xff?#").into()]);
        assert_eq!(
            page,
            "<!DOCTYPE html>\n<title>/a&amp;b/</title>\n<h1>/a&amp;b/</h1>\n<ul>\n\
             <li><a href=\"../\">../</a>\n\
             <li><a href=\"%3Ci%3E\">&lt;i&gt;</a>\n\
             <li><a href=\"x%20y%3Az/\">x y:z/</a>\n\
             <li><a href=\"%FF%3F%23\">\u{fffd}?#</a>\n\
             </ul>\n"
        );
    }

    #[test]
    fn only_what_can_be_served_is_listed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("site")).unwrap();
        let at = |name: &str| root.path().join("site").join(name);
        std::fs::create_dir(at("b")).unwrap();
        for file in [at("b.c"), at("a"), root.path().join("outside")] {
            std::fs::write(file, "").unwrap();
        }
        for (target, link) in [("a", "inside"), ("../outside", "out"), ("nothing", "broken"), ("/dev/null", "absolute")]
        {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let site = Dir::open_ambient_dir(at(""), cap_std::ambient_authority()).unwrap();
        assert_eq!(entries(&site, Path::new("")).unwrap(), ["a", "b.c", "b/", "inside"]);
    }
}
