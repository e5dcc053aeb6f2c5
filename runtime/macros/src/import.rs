//! From a block of foreign functions to functions that call them from green threads.
//!
//! ```text
//! #[ffi::import]                           #[link(name = "z")]
//! #[link(name = "z")]                      unsafe extern "C" {}
//! unsafe extern "C" {
//!     /// Docs.                            /// Docs.
//!     pub fn f(ps: *mut S) -> i32;   ⇒     pub unsafe fn f(ps: *mut S) -> i32 {
//! }                                            let raw = { unsafe extern "C" { fn f(ps: *mut S) -> i32; } f };
//!                                              if ::sward::ffi::check::is_needed() {
//!                                                  ::sward::ffi::check::arguments("f", |call| call.pointer("ps", &ps));
//!                                              }
//!                                              ::sward::ffi::call(move || unsafe { raw(ps) })
//!                                          }
//! ```
//!
//! The foreign function is declared within the one that takes its place, so that both have the name, and no third name is in the way of anybody's.
//! The block between is there since an item is found before a local of the same name only in a block of its own: an argument may be called
//! what the function is.
//!
//! What is looked at of an argument is in `argument`, and which attribute goes where in `attributes`.

mod argument;
mod attributes;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Abi, Attribute, Error, FnArg, GenericParam, Pat, Result, ReturnType, Signature, Token, Type, Visibility};

use argument::Look;
use attributes::{Attributes, is_of_block};

mod keyword {
    syn::custom_keyword!(quick);
    syn::custom_keyword!(safe);
}

/// What takes the place of the attribute and its block. After an error that is the error and the block as it was, lest the compiler goes on about
/// functions that are missing.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(options, item.clone()) {
        Ok(expansion) => expansion,
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

fn try_expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let class = Class::parse.parse2(options)?;
    Ok(Block::parse.parse2(item)?.imported(class))
}

/// The function that calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Call,
    Quick,
}

impl Class {
    fn parse(input: ParseStream<'_>) -> Result<Class> {
        if input.is_empty() {
            return Ok(Class::Call);
        }
        if input.parse::<keyword::quick>().is_ok() && input.is_empty() {
            return Ok(Class::Quick);
        }
        Err(input.error("unknown option; accepted: nothing, or `quick`, for functions that soon return"))
    }
}

/// A block of foreign items.
struct Block {
    attributes: Vec<Attribute>,
    unsafety: Option<Token![unsafe]>,
    abi: Abi,
    functions: Vec<Function>,
    /// Statics and what else there is.
    others: TokenStream,
}

/// A foreign function.
struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    safe: Option<keyword::safe>,
    unsafety: Option<Token![unsafe]>,
    /// Without `unsafe`. Each argument has a name.
    signature: Signature,
}

impl Block {
    fn parse(input: ParseStream<'_>) -> Result<Block> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let start = input.span();
        let head = || Ok((input.parse::<Option<Token![unsafe]>>()?, input.parse::<Abi>()?));
        let misplaced = |_| Error::new(start, "#[ffi::import] stands on a block: `unsafe extern \"C\" { … }`");
        let (unsafety, abi) = head().map_err(misplaced)?;
        check_abi(&abi)?;
        if !input.peek(syn::token::Brace) {
            return Err(misplaced(input.error("")));
        }
        let content;
        syn::braced!(content in input);
        attributes.extend(content.call(Attribute::parse_inner)?);
        let (mut functions, mut others) = (Vec::new(), TokenStream::new());
        while !content.is_empty() {
            match is_function(&content)? {
                true => functions.push(content.call(Function::parse)?),
                false => others.extend(other_item(&content)?),
            }
        }
        Ok(Block { attributes, unsafety, abi, functions, others })
    }

    fn imported(&self, class: Class) -> TokenStream {
        let Block { attributes, unsafety, abi, functions, others } = self;
        let head = quote!(#unsafety #abi);
        let shared: Vec<_> = attributes.iter().filter(|attribute| is_of_block(attribute)).collect();
        // It links libraries, if nothing else.
        let rest = (!others.is_empty() || attributes.len() > shared.len()).then(|| {
            let outer = attributes.iter().map(|Attribute { meta, .. }| quote!(#[#meta]));
            quote!(#(#outer)* #head { #others })
        });
        let functions = functions.iter().map(|function| function.imported(class, &head, &shared));
        quote!(#rest #(#functions)*)
    }
}

/// Refuses what no green thread could call as it calls C.
fn check_abi(abi: &Abi) -> Result<()> {
    const ACCEPTED: [&str; 4] = ["C", "C-unwind", "system", "system-unwind"];
    match &abi.name {
        Some(name) if !ACCEPTED.contains(&name.value().as_str()) => {
            Err(Error::new(name.span(), format!("#[ffi::import] knows the ABIs {}", ACCEPTED.join(", "))))
        }
        _ => Ok(()),
    }
}

/// Whether the next item is a function, or meant to be one.
fn is_function(input: ParseStream<'_>) -> Result<bool> {
    let ahead = input.fork();
    ahead.call(Attribute::parse_outer)?;
    ahead.parse::<Visibility>()?;
    if ahead.peek(keyword::safe) || ahead.peek(Token![unsafe]) {
        ahead.call(Ident::parse_any)?;
    }
    let is_macro = ahead.peek2(Token![!]) || ahead.peek2(Token![::]);
    Ok(!(ahead.peek(Token![static]) || ahead.peek(Token![type]) || is_macro))
}

/// Any other item: up to a semicolon, or to braces, as those of a macro.
fn other_item(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut item = TokenStream::new();
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
            _ => false,
        };
        item.extend([token]);
        if ends {
            break;
        }
    }
    Ok(item)
}

impl Function {
    fn parse(input: ParseStream<'_>) -> Result<Function> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let safe = input.parse()?;
        let mut signature: Signature = input.parse()?;
        check(&signature)?;
        for (index, argument) in signature.inputs.iter_mut().enumerate() {
            give_name(argument, index)?;
        }
        input.parse::<Token![;]>()?;
        let unsafety = signature.unsafety.take();
        Ok(Function { attributes, visibility, safe, unsafety, signature })
    }

    /// The function that takes its place. `block` is the head of the block that it was in, and `shared` are attributes of that.
    fn imported(&self, class: Class, block: &TokenStream, shared: &[&Attribute]) -> TokenStream {
        let Function { attributes, visibility, safe, unsafety, signature } = self;
        let Attributes { foreign, own } = Attributes::of(attributes);
        let ident = &signature.ident;
        let checks = self.checks();
        let call = self.call(class);
        let is_unsafe = safe.is_none().then(|| quote!(unsafe));
        let raw = raw();
        quote! {
            #(#shared)*
            #(#own)*
            #[allow(non_snake_case, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref, clippy::too_many_arguments)]
            #[inline]
            #visibility #is_unsafe #signature {
                let #raw = {
                    #block {
                        #(#foreign)*
                        #safe #unsafety #signature;
                    }
                    #ident
                };
                #checks
                #call
            }
        }
    }

    /// Looks at the arguments that need it.
    fn checks(&self) -> Option<TokenStream> {
        let call = Ident::new("call", Span::mixed_site());
        let looks: Vec<_> = self
            .arguments()
            .filter_map(|(name, ty)| {
                let look = match Look::at(ty) {
                    Look::Nothing => return None,
                    Look::Pointer => quote!(pointer),
                    Look::Untyped => quote!(untyped),
                    Look::Value => quote!(value),
                };
                let text = name.unraw().to_string();
                Some(quote_spanned!(ty.span()=> #call.#look(#text, &#name);))
            })
            .collect();
        let function = self.signature.ident.unraw().to_string();
        (!looks.is_empty()).then(|| {
            quote! {
                if ::sward::ffi::check::is_needed() {
                    ::sward::ffi::check::arguments(#function, |#call| { #(#looks)* });
                }
            }
        })
    }

    fn call(&self, class: Class) -> TokenStream {
        let raw = raw();
        let names = self.arguments().map(|(name, _)| name);
        let call = quote!(#raw(#(#names),*));
        let call = if self.safe.is_some() { call } else { quote!(unsafe { #call }) };
        let by = match class {
            Class::Call => quote!(::sward::ffi::call),
            Class::Quick => quote!(::sward::ffi::quick),
        };
        match &self.signature.output {
            // `!` is no type argument yet.
            ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => {
                quote!(match #by(move || -> ::core::convert::Infallible { #call }) {})
            }
            _ => quote!(#by(move || #call)),
        }
    }

    fn arguments(&self) -> impl Iterator<Item = (&Ident, &Type)> {
        self.signature.inputs.iter().map(|argument| match argument {
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Ident(pattern) => (&pattern.ident, &*typed.ty),
                _ => unreachable!("each argument has been given a name"),
            },
            FnArg::Receiver(_) => unreachable!("refused when it was read"),
        })
    }
}

/// What the foreign function is called where it is called.
fn raw() -> Ident {
    Ident::new("raw", Span::mixed_site())
}

/// Refuses what no function could pass on, or what no foreign function is.
fn check(signature: &Signature) -> Result<()> {
    let refuse =
        |tokens: &dyn ToTokens, message: &str| Err(Error::new_spanned(tokens, format!("#[ffi::import]: {message}")));
    let Signature { constness, asyncness, abi, generics, variadic, .. } = signature;
    if let Some(variadic) = variadic {
        return refuse(
            variadic,
            "a function with any number of arguments can't be passed them on: declare it in another block, and write a function \
             that takes those you need and calls it by `ffi::call`",
        );
    }
    let is_type = |param: &&GenericParam| !matches!(param, GenericParam::Lifetime(_));
    if let Some(param) = generics.params.iter().find(is_type) {
        return refuse(param, "a foreign function can't be generic");
    }
    if let Some(token) = constness {
        return refuse(token, "a foreign function can't be `const`");
    }
    if let Some(token) = asyncness {
        return refuse(token, "a foreign function can't be `async`");
    }
    match abi {
        Some(abi) => refuse(abi, "the ABI is the block's"),
        None => Ok(()),
    }
}

/// Gives an argument a name that has none.
fn give_name(argument: &mut FnArg, index: usize) -> Result<()> {
    let FnArg::Typed(argument) = argument else {
        return Err(Error::new_spanned(argument, "#[ffi::import]: a foreign function has no `self`"));
    };
    let conditional =
        |attribute: &&Attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr");
    if let Some(attribute) = argument.attrs.iter().find(conditional) {
        let message =
            "#[ffi::import]: an argument can't be conditional: declare the function twice, each time with a `#[cfg]`";
        return Err(Error::new_spanned(attribute, message));
    }
    match &*argument.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.mutability.is_none() && name.subpat.is_none() => {}
        Pat::Wild(wild) => {
            let name = Ident::new(&format!("argument_{}", index + 1), wild.span());
            *argument.pat = syn::parse_quote!(#name);
        }
        pattern => {
            return Err(Error::new_spanned(pattern, "#[ffi::import]: an argument is a name, or `_`, and its type"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
