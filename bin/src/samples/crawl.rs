//! `crawl`: fetches all pages below a URL, to see whether they are there.
//!
//! Each page is a green thread, started as soon as a link to it is found; a semaphore lets `--jobs` of them fetch at a time. So there is
//! no queue of work: it is the threads that wait. `fetch` gets a page, `links` finds what it links to. The thread that
//! started it all receives what became of each page, and starts those that are new: nobody else needs to know which ones have been seen.
//!
//! Links are followed to the same host and port, at and below the directory of the URL that it begins with.

mod fetch;
mod links;

use std::collections::HashSet;
use std::io::{self, Write};
use std::process::ExitCode;

use sward::channel::{Sender, unbounded};
use sward::sync::{Arc, Semaphore};
use url::Url;

use super::whole;
use crate::progress;
use crate::report::note;
use fetch::{Page, fetch};

/// Fetch a web page and all pages below it that it leads to, and report those that fail
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run crawl http://127.0.0.1:8080/ --jobs 8")]
pub struct Args {
    /// Where to begin
    #[arg(value_name = "URL", value_parser = parse_url)]
    url: Url,
    /// How many pages are fetched at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = whole(1..=1024))]
    jobs: u64,
}

fn parse_url(text: &str) -> Result<Url, String> {
    let accepted = "expected a URL such as http://127.0.0.1:8080/docs/";
    let url = Url::parse(text).map_err(|error| format!("{error}; {accepted}"))?;
    match url.scheme() {
        "http" if url.username().is_empty() && url.password().is_none() => Ok(url),
        "http" => Err(format!("logging in is not supported; {accepted}")),
        scheme => Err(format!("{scheme} is not supported; {accepted}")),
    }
}

pub fn run(args: Args) -> io::Result<ExitCode> {
    let bar = progress::steps(0);
    let (sender, outcomes) = unbounded();
    let crew = Crew { permits: Arc::new(Semaphore::new(args.jobs as usize)), outcomes: sender };
    let (mut pages, mut bytes, mut errors) = (0, 0, 0);

    let mut start = args.url;
    start.set_fragment(None);
    let mut seen = HashSet::from([start.clone()]);
    let mut top = directory(&start);
    crew.start(start.clone());
    let mut under_way = 1;
    while under_way > 0 {
        let (url, fetched) = outcomes.recv().expect("the crew has a sender");
        under_way -= 1;
        bar.inc(1);
        let links = match fetched {
            Ok(Page::Found { length, links }) => {
                pages += 1;
                bytes += length;
                links
            }
            Ok(Page::Moved { to }) => {
                if url == start {
                    top = directory(&to);
                }
                vec![to]
            }
            Err(error) => {
                errors += 1;
                bar.suspend(|| note(format_args!("sward run crawl: {url}: {error}")));
                continue;
            }
        };
        for link in links {
            if is_below(&link, &top) && seen.insert(link.clone()) {
                crew.start(link);
                under_way += 1;
                bar.inc_length(1);
            }
        }
    }
    bar.finish_and_clear();
    writeln!(io::stdout(), "pages: {pages}, bytes: {bytes}, errors: {errors}")?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Those that fetch.
struct Crew {
    permits: Arc<Semaphore>,
    outcomes: Sender<(Url, io::Result<Page>)>,
}

impl Crew {
    /// Has a page fetched.
    fn start(&self, url: Url) {
        let (permits, outcomes) = (self.permits.clone(), self.outcomes.clone());
        sward::spawn(move || {
            let permit = permits.acquire();
            let fetched = fetch(&url);
            drop(permit);
            // Nobody receives any more if standard output broke.
            let _ = outcomes.send((url, fetched));
        });
    }
}

/// The directory that a page is in.
fn directory(url: &Url) -> Url {
    url.join(".").expect("an HTTP URL has a path")
}

fn is_below(url: &Url, top: &Url) -> bool {
    url.origin() == top.origin() && url.path().starts_with(top.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        parse_url(text).unwrap()
    }

    #[test]
    fn pages_at_and_below_the_directory_of_the_first_are_followed() {
        let top = directory(&url("http://host:81/a/b.html?c#d"));
        assert_eq!(top.as_str(), "http://host:81/a/");
        for below in ["http://host:81/a/", "http://HOST:81/a/b/c", "http://host:81/b/../a/c?d"] {
            assert!(is_below(&url(below), &top), "{below}");
        }
        for other in
            ["http://host:81/", "http://host:81/a", "http://host:81/ab", "http://host/a/", "http://other:81/a/"]
        {
            assert!(!is_below(&url(other), &top), "{other}");
        }
        assert!(!is_below(&Url::parse("https://host:81/a/").unwrap(), &top));
    }
}
