//! What a block becomes, and what is refused.

use super::*;

/// As text. Whether tokens stand close together is nobody's business.
fn text(tokens: TokenStream) -> String {
    tokens.to_string().replace(' ', "").replace(",)", ")")
}

#[track_caller]
fn check(options: TokenStream, block: TokenStream, want: TokenStream) {
    assert_eq!(text(try_expand(options, block).unwrap()), text(want));
}

/// What is allowed of each function that is made.
fn allowed() -> TokenStream {
    quote! {
        #[allow(non_snake_case, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref, clippy::too_many_arguments)]
        #[inline]
    }
}

#[test]
fn a_function_without_pointers() {
    let allowed = allowed();
    check(
        quote!(),
        quote! {
            unsafe extern "C" {
                /// Sleeps.
                pub fn usleep(us: u32) -> i32;
            }
        },
        quote! {
            /// Sleeps.
            #allowed
            pub unsafe fn usleep(us: u32) -> i32 {
                let raw = { unsafe extern "C" { fn usleep(us: u32) -> i32; } usleep };
                ::sward::ffi::call(move || unsafe { raw(us) })
            }
        },
    );
}

#[test]
fn arguments_are_checked() {
    let allowed = allowed();
    check(
        quote!(quick),
        quote! {
            extern "C" {
                fn f(text: *const c_char, r#type: &mut Stat, data: *mut c_void, _: Words);
            }
        },
        quote! {
            #allowed
            unsafe fn f(text: *const c_char, r#type: &mut Stat, data: *mut c_void, argument_4: Words) {
                let raw = {
                    extern "C" { fn f(text: *const c_char, r#type: &mut Stat, data: *mut c_void, argument_4: Words); }
                    f
                };
                if ::sward::ffi::check::is_needed() {
                    ::sward::ffi::check::arguments("f", |call| {
                        call.pointer("type", &r#type);
                        call.untyped("data", &data);
                        call.value("argument_4", &argument_4);
                    });
                }
                ::sward::ffi::quick(move || unsafe { raw(text, r#type, data, argument_4) })
            }
        },
    );
}

#[test]
fn safe_functions_and_lifetimes() {
    let allowed = allowed();
    check(
        quote!(),
        quote! {
            unsafe extern "C-unwind" {
                pub(crate) safe fn f<'a>(number: &'a u32) -> &'a u32;
                unsafe fn g();
            }
        },
        quote! {
            #allowed
            pub(crate) fn f<'a>(number: &'a u32) -> &'a u32 {
                let raw = {
                    unsafe extern "C-unwind" { safe fn f<'a>(number: &'a u32) -> &'a u32; }
                    f
                };
                ::sward::ffi::call(move || raw(number))
            }
            #allowed
            unsafe fn g() {
                let raw = { unsafe extern "C-unwind" { unsafe fn g(); } g };
                ::sward::ffi::call(move || unsafe { raw() })
            }
        },
    );
}

#[test]
fn a_function_that_does_not_return() {
    let allowed = allowed();
    check(
        quote!(),
        quote! {
            unsafe extern "C" {
                safe fn abort() -> !;
            }
        },
        quote! {
            #allowed
            fn abort() -> ! {
                let raw = { unsafe extern "C" { safe fn abort() -> !; } abort };
                match ::sward::ffi::call(move || -> ::core::convert::Infallible { raw() }) {}
            }
        },
    );
}

#[test]
fn attributes_go_where_they_belong() {
    let allowed = allowed();
    check(
        quote!(),
        quote! {
            #[link(name = "z")]
            #[cfg(unix)]
            #[allow(dead_code)]
            unsafe extern "C" {
                #[link_name = "zlibVersion"]
                #[must_use]
                #[cfg_attr(old, link_name = "version", deprecated)]
                safe fn version() -> u32;
            }
        },
        quote! {
            #[link(name = "z")]
            #[cfg(unix)]
            #[allow(dead_code)]
            unsafe extern "C" {}
            #[cfg(unix)]
            #[allow(dead_code)]
            #[must_use]
            #[cfg_attr(old, deprecated)]
            #allowed
            fn version() -> u32 {
                let raw = {
                    unsafe extern "C" {
                        #[link_name = "zlibVersion"]
                        #[cfg_attr(old, link_name = "version")]
                        safe fn version() -> u32;
                    }
                    version
                };
                ::sward::ffi::call(move || raw())
            }
        },
    );
}

#[test]
fn other_items_stay() {
    let others = quote! {
        unsafe extern "C" {
            /// The environment.
            pub static mut environ: *const *const c_char;
            safe static limit: [u8; { 1; 2 }];
            type Opaque;
            declare! { one }
            declare!(two);
        }
    };
    check(quote!(), others.clone(), others);
    check(
        quote!(),
        quote!(
            unsafe extern "C" {}
        ),
        quote!(),
    );
}

#[test]
fn refused() {
    let in_block = |function: TokenStream| quote!(unsafe extern "C" { #function });
    for (options, block, message) in [
        (quote!(slow), in_block(quote!()), "unknown option; accepted: nothing, or `quick`"),
        (quote!(quick, quick), in_block(quote!()), "unknown option"),
        (
            quote!(),
            quote!(
                fn f() {}
            ),
            "#[ffi::import] stands on a block: `unsafe extern \"C\" { … }`",
        ),
        (
            quote!(),
            quote!(
                extern "C" fn f() {}
            ),
            "stands on a block",
        ),
        (
            quote!(),
            quote!(
                mod m {}
            ),
            "stands on a block",
        ),
        (
            quote!(),
            quote!(
                unsafe extern "vectorcall" {}
            ),
            "knows the ABIs C, C-unwind, system, system-unwind",
        ),
        (
            quote!(),
            in_block(quote!(
                fn printf(f: *const c_char, ...) -> c_int;
            )),
            "any number of arguments",
        ),
        (
            quote!(),
            in_block(quote!(
                fn f<T>(t: T);
            )),
            "can't be generic",
        ),
        (
            quote!(),
            in_block(quote!(
                fn f<const N: usize>();
            )),
            "can't be generic",
        ),
        (
            quote!(),
            in_block(quote!(
                const fn f();
            )),
            "can't be `const`",
        ),
        (
            quote!(),
            in_block(quote!(
                async fn f();
            )),
            "can't be `async`",
        ),
        (
            quote!(),
            in_block(quote!(
                extern "C" fn f();
            )),
            "the ABI is the block's",
        ),
        (
            quote!(),
            in_block(quote!(
                fn f(&self);
            )),
            "has no `self`",
        ),
        (
            quote!(),
            in_block(quote!(
                fn f(mut a: u8);
            )),
            "an argument is a name, or `_`, and its type",
        ),
        (
            quote!(),
            in_block(quote!(
                fn f((a, b): Pair);
            )),
            "an argument is a name",
        ),
        (
            quote!(),
            in_block(quote!(
                fn f(#[cfg(unix)] a: u8);
            )),
            "can't be conditional",
        ),
        (
            quote!(),
            in_block(quote!(
                fn f() {}
            )),
            "expected `;`",
        ),
        (
            quote!(),
            in_block(quote!(
                struct S;
            )),
            "expected",
        ),
    ] {
        let text = block.to_string();
        let error = try_expand(options, block).err().unwrap_or_else(|| panic!("{text} is not refused")).to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn an_error_leaves_the_block() {
    let block = quote!(
        unsafe extern "C" {
            fn f(...);
        }
    );
    let expansion = expand(quote!(), block.clone()).to_string();
    assert!(expansion.contains("compile_error"), "{expansion}");
    assert!(expansion.ends_with(&block.to_string()), "{expansion}");
}
