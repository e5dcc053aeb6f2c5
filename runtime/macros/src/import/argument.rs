//! What is looked at of an argument, told by how its type is written.
//!
//! Numbers, text and functions are not looked at, nor are pointers to such: for them no code is made at all. What hides behind a name
//! that is not known here (a struct, a union, an alias) may be anything, and is looked at when it is passed.

use syn::{GenericArgument, Path, PathArguments, Type};

/// See the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It cannot lead to a pointer.
    Nothing,
    /// It is a pointer, to what its type says.
    Pointer,
    /// It is a pointer to `void`.
    Untyped,
    /// Each word of it may be a pointer.
    Value,
}

/// Types that hold no pointers, by the last part of their path: Rust's and C's.
const PLAIN: [&str; 45] = [
    "bool",
    "char",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "str",
    "CStr",
    "c_char",
    "c_double",
    "c_float",
    "c_int",
    "c_long",
    "c_longlong",
    "c_schar",
    "c_short",
    "c_uchar",
    "c_uint",
    "c_ulong",
    "c_ulonglong",
    "c_ushort",
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "intptr_t",
    "off_t",
    "ptrdiff_t",
    "size_t",
    "ssize_t",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uintptr_t",
];

impl Look {
    pub(super) fn at(ty: &Type) -> Look {
        match ty {
            Type::Group(group) => Look::at(&group.elem),
            Type::Paren(paren) => Look::at(&paren.elem),
            Type::BareFn(_) => Look::Nothing,
            Type::Reference(reference) => Look::through(&reference.elem),
            Type::Ptr(pointer) => match &*pointer.elem {
                // It has a second word. C has no such pointers.
                Type::Slice(_) | Type::TraitObject(_) => Look::Value,
                to => Look::through(to),
            },
            Type::Path(path) => Look::at_path(&path.path),
            _ => Look::Value,
        }
    }

    fn at_path(path: &Path) -> Look {
        if is_plain(path) {
            return Look::Nothing;
        }
        match (name(path).as_str(), only_argument(path)) {
            ("NonNull", Some(to)) => Look::through(to),
            ("Option", Some(of @ (Type::Reference(_) | Type::BareFn(_)))) => Look::at(of),
            ("Option", Some(Type::Path(of))) if name(&of.path) == "NonNull" => Look::at_path(&of.path),
            _ => Look::Value,
        }
    }

    /// At a pointer to this type.
    fn through(to: &Type) -> Look {
        match to {
            Type::Group(group) => Look::through(&group.elem),
            Type::Paren(paren) => Look::through(&paren.elem),
            Type::Array(array) => Look::through(&array.elem),
            Type::Slice(slice) => Look::through(&slice.elem),
            Type::BareFn(_) => Look::Nothing,
            Type::Path(path) if is_plain(&path.path) => Look::Nothing,
            Type::Path(path) if name(&path.path) == "c_void" => Look::Untyped,
            _ => Look::Pointer,
        }
    }
}

fn is_plain(path: &Path) -> bool {
    PLAIN.contains(&name(path).as_str())
}

/// The last part of a path.
fn name(path: &Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// The type between the angle brackets, if it is the only one.
fn only_argument(path: &Path) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &path.segments.last()?.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn what_is_looked_at() {
        for (ty, want) in [
            (quote!(i32), Look::Nothing),
            (quote!(libc::c_ulong), Look::Nothing),
            (quote!((f64)), Look::Nothing),
            (quote!(*const c_char), Look::Nothing),
            (quote!(&mut [u64; 4]), Look::Nothing),
            (quote!(&[u8]), Look::Nothing),
            (quote!(&CStr), Look::Nothing),
            (quote!(extern "C" fn(*mut c_void)), Look::Nothing),
            (quote!(Option<unsafe extern "C" fn()>), Look::Nothing),
            (quote!(Option<&u8>), Look::Nothing),
            (quote!(*const Stat), Look::Pointer),
            (quote!(*mut *mut c_char), Look::Pointer),
            (quote!(&mut Stat), Look::Pointer),
            (quote!(&'a [Stat]), Look::Pointer),
            (quote!(Option<&'static mut Stat>), Look::Pointer),
            (quote!(std::ptr::NonNull<Stat>), Look::Pointer),
            (quote!(Option<NonNull<[*const u8; 2]>>), Look::Pointer),
            (quote!(*mut c_void), Look::Untyped),
            (quote!(*const libc::c_void), Look::Untyped),
            (quote!(Option<NonNull<core::ffi::c_void>>), Look::Untyped),
            (quote!(Stat), Look::Value),
            (quote!(*const [u8]), Look::Value),
            (quote!(*mut dyn Read), Look::Value),
            (quote!([usize; 2]), Look::Value),
            (quote!(Option<Stat>), Look::Value),
            (quote!(Option<Box<Stat>>), Look::Value),
            (quote!((usize, usize)), Look::Value),
        ] {
            assert_eq!(Look::at(&parse_quote!(#ty)), want, "{ty}");
        }
    }
}
