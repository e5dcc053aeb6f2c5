//! Which attributes of a foreign function go where: those that name its symbol stay with the foreign declaration, all others are for the function that
//! takes its place. A `cfg_attr` may have some of either, and is divided.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token};

/// The attributes of a foreign function.
pub(super) struct Attributes {
    pub(super) foreign: Vec<TokenStream>,
    /// Of the function in its place.
    pub(super) own: Vec<TokenStream>,
}

impl Attributes {
    pub(super) fn of(attributes: &[Attribute]) -> Attributes {
        let mut divided = Attributes { foreign: Vec::new(), own: Vec::new() };
        attributes.iter().for_each(|attribute| divided.add(attribute));
        divided
    }

    fn add(&mut self, attribute: &Attribute) {
        let Some((condition, conditional)) = conditional(attribute) else {
            let to = if names_symbol(attribute.path()) { &mut self.foreign } else { &mut self.own };
            to.push(attribute.to_token_stream());
            return;
        };
        let (foreign, own): (Vec<_>, Vec<_>) = conditional.into_iter().partition(|meta| names_symbol(meta.path()));
        for (to, metas) in [(&mut self.foreign, foreign), (&mut self.own, own)] {
            if !metas.is_empty() {
                to.push(quote!(#[cfg_attr(#condition, #(#metas),*)]));
            }
        }
    }
}

/// Whether an attribute of a block is one of each function in it: whether it is there, and what it is not warned of.
pub(super) fn is_of_block(attribute: &Attribute) -> bool {
    ["cfg", "allow", "warn", "deny", "forbid"].iter().any(|name| attribute.path().is_ident(name))
}

fn names_symbol(path: &Path) -> bool {
    path.is_ident("link_name") || path.is_ident("link_ordinal")
}

/// The condition of a `cfg_attr`, and what it is the condition of.
fn conditional(attribute: &Attribute) -> Option<(Meta, Vec<Meta>)> {
    if !attribute.path().is_ident("cfg_attr") {
        return None;
    }
    let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let mut metas = metas.into_iter();
    Some((metas.next()?, metas.collect()))
}
