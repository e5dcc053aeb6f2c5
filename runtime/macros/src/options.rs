//! What stands in the parentheses of `#[sward::main(procs = 4, stack_size = "64K")]`: `name = literal`, separated by
//! commas. Each error is at the token that is wrong, and says what is accepted there.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{Error, Ident, Lit, Result, Token};

use crate::entry::Kind;
use crate::settings::{parse_procs, parse_size};

/// The options of either attribute.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) procs: Option<usize>,
    /// In bytes, a power of two.
    pub(crate) stack_size: Option<usize>,
    /// Whether the program's allocator is sward's, for `main`.
    pub(crate) heap: bool,
}

impl Options {
    pub(crate) fn parse(input: ParseStream<'_>, kind: Kind) -> Result<Options> {
        let mut options = Options { procs: None, stack_size: None, heap: true };
        let mut seen: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let name: Ident = input
                .parse()
                .map_err(|_| Error::new(input.span(), format!("expected an option; accepted: {}", kind.options())))?;
            if seen.contains(&name) {
                return Err(Error::new(name.span(), format!("option `{name}` is given twice")));
            }
            options.set(&name, input, kind)?;
            seen.push(name);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }

    fn set(&mut self, name: &Ident, input: ParseStream<'_>, kind: Kind) -> Result<()> {
        if name == "procs" {
            let lit = value(name, input)?;
            let text = match &lit {
                Lit::Int(number) => number.base10_digits(),
                _ => "",
            };
            self.procs = Some(parse_procs(text).map_err(|error| Error::new(lit.span(), error))?);
        } else if name == "stack_size" {
            let lit = value(name, input)?;
            let text = match &lit {
                Lit::Str(text) => text.value(),
                _ => {
                    return Err(Error::new(lit.span(), "a size stands in quotes, as in \"64K\""));
                }
            };
            self.stack_size = Some(parse_size(&text).map_err(|error| Error::new(lit.span(), error))?);
        } else if name == "heap" && kind == Kind::Main {
            let lit = value(name, input)?;
            self.heap = match &lit {
                Lit::Bool(wanted) => wanted.value,
                _ => return Err(Error::new(lit.span(), "`heap` is `true` or `false`")),
            };
        } else {
            let message = format!("unknown option `{name}`; accepted: {}", kind.options());
            return Err(Error::new(name.span(), message));
        }
        Ok(())
    }
}

/// The `= literal` after an option's name.
fn value(name: &Ident, input: ParseStream<'_>) -> Result<Lit> {
    let expected = |at: Span| Error::new(at, format!("expected `{name} = ` and a literal"));
    // At the end of the input there is no token to point to but the name.
    let here = || {
        if input.is_empty() { name.span() } else { input.span() }
    };
    input.parse::<Token![=]>().map_err(|_| expected(here()))?;
    input.parse().map_err(|_| expected(here()))
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;
    use syn::parse::Parser;

    use super::*;

    fn parse(kind: Kind, tokens: TokenStream) -> Result<Options> {
        (|input: ParseStream<'_>| Options::parse(input, kind)).parse2(tokens)
    }

    #[test]
    fn accepted() {
        let some = |procs, stack_size| Options { procs, stack_size, heap: true };
        for (tokens, want) in [
            (quote!(), some(None, None)),
            (quote!(procs = 4), some(Some(4), None)),
            (quote!(procs = 0x10,), some(Some(16), None)),
            (quote!(stack_size = "64K"), some(None, Some(64 << 10))),
            (quote!(stack_size = "100000", procs = 1024), some(Some(1024), Some(128 << 10))),
            (quote!(heap = false), Options { heap: false, ..some(None, None) }),
            (quote!(heap = true, procs = 1), some(Some(1), None)),
        ] {
            let text = tokens.to_string();
            assert_eq!(parse(Kind::Main, tokens).unwrap(), want, "{text}");
        }
        assert_eq!(parse(Kind::Test, quote!(procs = 2, stack_size = "16k")).unwrap(), some(Some(2), Some(16 << 10)));
    }

    #[test]
    fn refused() {
        let procs = "accepted: a whole number from 1 to 1024";
        let size = "accepted: a number of bytes from 16K to 1G";
        let main = "accepted: procs = 4, stack_size = \"64K\", heap = false";
        for (tokens, messages) in [
            (quote!(procs = 0), ["at least one processor", procs]),
            (quote!(procs = 1025), ["too many processors", procs]),
            (quote!(procs = -1), ["not a number of processors", procs]),
            (quote!(procs = "4"), ["not a number of processors", procs]),
            (quote!(procs = 4.0), ["not a number of processors", procs]),
            (quote!(procs = N), ["expected `procs = ` and a literal", ""]),
            (quote!(procs), ["expected `procs = ` and a literal", ""]),
            (quote!(procs =), ["expected `procs = ` and a literal", ""]),
            (quote!(procs: 4), ["expected `procs = ` and a literal", ""]),
            (quote!(stack_size = "4K"), ["too small for a stack", size]),
            (quote!(stack_size = "64Q"), ["not a size", size]),
            (quote!(stack_size = 65536), ["in quotes", "\"64K\""]),
            (quote!(heap = "no"), ["`heap` is `true` or `false`", ""]),
            (quote!(workers = 4), ["unknown option `workers`", main]),
            (quote!("4"), ["expected an option", main]),
            (quote!(procs = 4, procs = 4), ["option `procs` is given twice", ""]),
            (quote!(procs = 4 stack_size = "64K"), ["expected `,`", ""]),
        ] {
            let text = tokens.to_string();
            let error = parse(Kind::Main, tokens).unwrap_err().to_string();
            for message in messages {
                assert!(error.contains(message), "{text}: {error}");
            }
        }
    }

    #[test]
    fn a_test_has_no_heap_option() {
        let error = parse(Kind::Test, quote!(heap = false)).unwrap_err().to_string();
        assert_eq!(error, "unknown option `heap`; accepted: procs = 4, stack_size = \"64K\"");
    }
}
