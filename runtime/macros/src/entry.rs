//! From a function with the attribute to the one that takes its place.
//!
//! ```text
//! #[sward::main(procs = 4)]            fn main() {
//! fn main() { BODY }            ⇒          #[global_allocator]
//!                                          static __HEAP: ::sward::Heap = ::sward::Heap;
//!                                          fn __body() { BODY }
//!                                          ::sward::rt::main(Some(4usize), None, __body)
//!                                      }
//! ```
//!
//! The allocator is the whole program's wherever it stands. Within `main` it adds no name to the module, and is there if and only if
//! `main` is, should that have a `#[cfg]`. Tests and `heap = false` go without.
//!
//! A function that returns something is a little longer. Its value needn't be `Send` (`Box<dyn Error>` isn't), and so
//! it is made an `ExitCode` where it is, on the green thread, by what the standard library would do with it:
//!
//! ```text
//!     fn main() -> ::std::process::ExitCode {
//!         …
//!         fn __body() -> R { BODY }
//!         ::sward::rt::main(None, None, || ::std::process::Termination::report(__body()))
//!     }
//! ```
//!
//! A function that returns nothing is left without a type, because `#[should_panic]` insists on that.
//!
//! The body is passed on unread, as the tokens between its braces: it may use syntax newer than this crate's parser,
//! and half a body, as an editor has it, is reported by the compiler where it breaks off.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Result, ReturnType, Signature, Type, Visibility};

use crate::options::Options;

/// Which of the two attributes it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

impl Kind {
    /// The options it takes, as one types them.
    pub(crate) fn options(self) -> &'static str {
        match self {
            Kind::Main => "procs = 4, stack_size = \"64K\", heap = false",
            Kind::Test => "procs = 4, stack_size = \"64K\"",
        }
    }

    fn attribute(self) -> &'static str {
        match self {
            Kind::Main => "#[sward::main]",
            Kind::Test => "#[sward::test]",
        }
    }
}

/// What takes the place of the attribute and its item. After an error that is the error and the item as it was, lest
/// the compiler goes on about a `main` that is missing.
pub(crate) fn expand(kind: Kind, options: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(kind, options, item.clone()) {
        Ok(expansion) => expansion,
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

fn try_expand(kind: Kind, options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = (|input: ParseStream<'_>| Options::parse(input, kind)).parse2(options)?;
    let function = (|input: ParseStream<'_>| Function::parse(input, kind)).parse2(item)?;
    function.check(kind)?;
    Ok(function.on_green_thread(kind, &options))
}

/// A function, its body unread.
struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: Group,
}

impl Function {
    fn parse(input: ParseStream<'_>, kind: Kind) -> Result<Function> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let start = input.span();
        // When it is no function at all, "expected `fn`" would be true but not helpful.
        let signature = Signature::parse(input).map_err(|error| match error.to_string().as_str() {
            "expected `fn`" => Error::new(start, format!("{} stands on a function", kind.attribute())),
            _ => error,
        })?;
        let body: Group = input.parse().map_err(|_| no_body(&signature))?;
        if body.delimiter() != Delimiter::Brace {
            return Err(no_body(&signature));
        }
        Ok(Function { attributes, visibility, signature, body })
    }

    /// Refuses what nobody could call, or what would be lost without a word.
    fn check(&self, kind: Kind) -> Result<()> {
        let refuse = |tokens: &dyn ToTokens, message: &str| {
            Err(Error::new_spanned(tokens, format!("{}: {message}", kind.attribute())))
        };
        let Signature { constness, asyncness, unsafety, abi, generics, inputs, variadic, .. } = &self.signature;
        if let Some(token) = asyncness {
            return refuse(
                token,
                "the function can't be `async`, and needn't be: a green thread that waits lets others run",
            );
        }
        if let Some(token) = constness {
            return refuse(token, "the function can't be `const`");
        }
        if let Some(token) = unsafety {
            return refuse(token, "the function can't be `unsafe`");
        }
        if let Some(abi) = abi {
            return refuse(abi, "the function can't be `extern`");
        }
        if !generics.params.is_empty() {
            return refuse(generics, "the function can't be generic");
        }
        if let Some(clause) = &generics.where_clause {
            return refuse(clause, "the function can't be generic");
        }
        if !inputs.is_empty() || variadic.is_some() {
            let message = match kind {
                Kind::Main => "the function takes no arguments; a program's are in `std::env::args()`",
                Kind::Test => "the function takes no arguments",
            };
            return refuse(&quote!(#inputs #variadic), message);
        }
        match self.attributes.iter().find(|attribute| attribute.path().is_ident("test")) {
            Some(attribute) if kind == Kind::Test => {
                refuse(attribute, "it makes the function a test already: remove `#[test]`")
            }
            _ => Ok(()),
        }
    }

    fn on_green_thread(&self, kind: Kind, options: &Options) -> TokenStream {
        let Function { attributes, visibility, signature, body } = self;
        let Signature { ident, output, .. } = signature;
        let procs = option(options.procs);
        let stack_size = option(options.stack_size);
        let (test, start) = match kind {
            Kind::Main => (None, quote!(main)),
            Kind::Test => (Some(quote!(#[::core::prelude::v1::test])), quote!(test)),
        };
        let heap = (kind == Kind::Main && options.heap).then(|| {
            quote! {
                #[global_allocator]
                static __HEAP: ::sward::Heap = ::sward::Heap;
            }
        });
        let exit_code = quote!(::std::process::ExitCode);
        let (returns, entry) = match output {
            ReturnType::Default => (None, quote!(__body)),
            ReturnType::Type(_, value) => match &**value {
                Type::Tuple(tuple) if tuple.elems.is_empty() => (None, quote!(__body)),
                Type::Never(_) => (Some(quote!(-> #exit_code)), quote!(|| -> #exit_code { __body() })),
                _ => (
                    Some(quote!(-> #exit_code)),
                    // A type that can't be returned is reported where it stands.
                    quote_spanned!(value.span()=> || ::std::process::Termination::report(__body())),
                ),
            },
        };
        quote! {
            #test
            #(#attributes)*
            #visibility fn #ident() #returns {
                #heap
                fn __body() #output #body
                ::sward::rt::#start(#procs, #stack_size, #entry)
            }
        }
    }
}

fn no_body(signature: &Signature) -> Error {
    Error::new_spanned(&signature.ident, "expected a function with a body")
}

/// An option as the runtime takes it.
fn option(value: Option<usize>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, options: TokenStream, item: TokenStream, want: TokenStream) {
        // Whether tokens stand close together is nobody's business.
        let text = |tokens: TokenStream| tokens.to_string().replace(' ', "");
        assert_eq!(text(try_expand(kind, options, item).unwrap()), text(want));
    }

    #[test]
    fn main_without_options() {
        check(
            Kind::Main,
            quote!(),
            quote! {
                fn main() { go(); }
            },
            quote! {
                fn main() {
                    #[global_allocator]
                    static __HEAP: ::sward::Heap = ::sward::Heap;
                    fn __body() { go(); }
                    ::sward::rt::main(::core::option::Option::None, ::core::option::Option::None, __body)
                }
            },
        );
    }

    #[test]
    fn main_without_heap() {
        check(
            Kind::Main,
            quote!(heap = false),
            quote! {
                fn main() { go(); }
            },
            quote! {
                fn main() {
                    fn __body() { go(); }
                    ::sward::rt::main(::core::option::Option::None, ::core::option::Option::None, __body)
                }
            },
        );
    }

    #[test]
    fn main_with_options_and_a_value() {
        check(
            Kind::Main,
            quote!(procs = 4, stack_size = "64K", heap = true),
            quote! {
                /// Starts.
                #[allow(unused)]
                pub(crate) fn main() -> Result<(), Box<dyn Error>> { Ok(()) }
            },
            quote! {
                /// Starts.
                #[allow(unused)]
                pub(crate) fn main() -> ::std::process::ExitCode {
                    #[global_allocator]
                    static __HEAP: ::sward::Heap = ::sward::Heap;
                    fn __body() -> Result<(), Box<dyn Error>> { Ok(()) }
                    ::sward::rt::main(
                        ::core::option::Option::Some(4usize),
                        ::core::option::Option::Some(65536usize),
                        || ::std::process::Termination::report(__body())
                    )
                }
            },
        );
    }

    #[test]
    fn main_that_never_returns() {
        check(
            Kind::Main,
            quote!(),
            quote! {
                fn main() -> ! { serve() }
            },
            quote! {
                fn main() -> ::std::process::ExitCode {
                    #[global_allocator]
                    static __HEAP: ::sward::Heap = ::sward::Heap;
                    fn __body() -> ! { serve() }
                    ::sward::rt::main(
                        ::core::option::Option::None,
                        ::core::option::Option::None,
                        || -> ::std::process::ExitCode { __body() }
                    )
                }
            },
        );
    }

    #[test]
    fn test_keeps_its_attributes() {
        check(
            Kind::Test,
            quote!(procs = 1),
            quote! {
                #[should_panic(expected = "no")]
                #[ignore]
                fn refuses() -> () { panic!("no") }
            },
            quote! {
                #[::core::prelude::v1::test]
                #[should_panic(expected = "no")]
                #[ignore]
                fn refuses() {
                    fn __body() -> () { panic!("no") }
                    ::sward::rt::test(
                        ::core::option::Option::Some(1usize),
                        ::core::option::Option::None,
                        __body
                    )
                }
            },
        );
    }

    #[test]
    fn a_body_is_not_read() {
        let body = quote!({ some future syntax ; @ });
        let expansion = try_expand(Kind::Main, quote!(), quote!(fn main() #body)).unwrap();
        assert!(expansion.to_string().contains(&body.to_string()), "{expansion}");
    }

    #[test]
    fn refused() {
        for (kind, item, message) in [
            (
                Kind::Main,
                quote!(
                    async fn main() {}
                ),
                "#[sward::main]: the function can't be `async`",
            ),
            (
                Kind::Main,
                quote!(
                    const fn main() {}
                ),
                "can't be `const`",
            ),
            (
                Kind::Main,
                quote!(
                    unsafe fn main() {}
                ),
                "can't be `unsafe`",
            ),
            (
                Kind::Main,
                quote!(
                    extern "C" fn main() {}
                ),
                "can't be `extern`",
            ),
            (
                Kind::Main,
                quote!(
                    fn main<T>() {}
                ),
                "can't be generic",
            ),
            (
                Kind::Main,
                quote!(
                    fn main()
                    where
                        u8: Copy,
                    {
                    }
                ),
                "can't be generic",
            ),
            (
                Kind::Main,
                quote!(
                    fn main(count: usize) {}
                ),
                "std::env::args()",
            ),
            (
                Kind::Main,
                quote!(
                    fn main(...) {}
                ),
                "takes no arguments",
            ),
            (
                Kind::Main,
                quote!(
                    struct Main;
                ),
                "#[sward::main] stands on a function",
            ),
            (
                Kind::Main,
                quote!(
                    pub mod main {}
                ),
                "#[sward::main] stands on a function",
            ),
            (
                Kind::Main,
                quote!(
                    fn main();
                ),
                "expected a function with a body",
            ),
            (Kind::Main, quote!(fn main() []), "expected a function with a body"),
            (
                Kind::Test,
                quote!(
                    async fn t() {}
                ),
                "#[sward::test]: the function can't be `async`",
            ),
            (
                Kind::Test,
                quote!(
                    fn t(a: u8) {}
                ),
                "the function takes no arguments",
            ),
            (
                Kind::Test,
                quote!(
                    const X: u8 = 1;
                ),
                "#[sward::test] stands on a function",
            ),
            (
                Kind::Test,
                quote!(
                    #[test]
                    fn t() {}
                ),
                "remove `#[test]`",
            ),
        ] {
            let text = item.to_string();
            let error = try_expand(kind, quote!(), item).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn an_error_leaves_the_item() {
        let item = quote!(
            fn main() {}
        );
        let expansion = expand(Kind::Main, quote!(procs = 0), item.clone()).to_string();
        assert!(expansion.contains("compile_error"), "{expansion}");
        assert!(expansion.ends_with(&item.to_string()), "{expansion}");
    }
}
