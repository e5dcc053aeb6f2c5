//! The registers a walk starts from.
//!
//! The unwind tables know how to find every callee-saved register of every caller, but to get from frame to frame only
//! these few are ever needed.

use core::arch::asm;

/// What a stopped stack is walked from: its innermost frame's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The next instruction to run.
    pub pc: usize,
    /// The stack pointer.
    pub sp: usize,
    /// The frame pointer (`rbp`, `x29`), whether or not the code uses it as one.
    pub fp: usize,
    /// The link register (`x30`): the return address of a function that has not stored it on its stack.
    #[cfg(target_arch = "aarch64")]
    pub lr: usize,
}

impl Registers {
    /// The registers of the calling function, here and now: three or four moves.
    ///
    /// A walk from them is right for as long as the calling function has not returned: whatever it calls, wherever it
    /// is suspended.
    #[inline(always)]
    pub fn capture() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let (pc, sp, fp);
            // SAFETY: Reads registers, changes none but its outputs.
            unsafe {
                asm!(
                    "lea {pc}, [rip]",
                    "mov {sp}, rsp",
                    "mov {fp}, rbp",
                    pc = out(reg) pc,
                    sp = out(reg) sp,
                    fp = out(reg) fp,
                    options(nomem, nostack, preserves_flags),
                );
            }
            Self { pc, sp, fp }
        }
        #[cfg(target_arch = "aarch64")]
        {
            let (pc, sp, fp, lr);
            // SAFETY: Reads registers, changes none but its outputs. x30 comes first, as any output may be put into it.
            unsafe {
                asm!(
                    "mov {lr}, x30",
                    "adr {pc}, .",
                    "mov {sp}, sp",
                    "mov {fp}, x29",
                    lr = out(reg) lr,
                    pc = out(reg) pc,
                    sp = out(reg) sp,
                    fp = out(reg) fp,
                    options(nomem, nostack, preserves_flags),
                );
            }
            Self { pc, sp, fp, lr }
        }
    }

    /// The registers of the code that a signal has interrupted, from its handler's third argument.
    pub fn from_ucontext(context: &libc::ucontext_t) -> Self {
        let machine = &context.uc_mcontext;
        #[cfg(target_arch = "x86_64")]
        {
            let register = |index: libc::c_int| machine.gregs[index as usize] as usize;
            Self { pc: register(libc::REG_RIP), sp: register(libc::REG_RSP), fp: register(libc::REG_RBP) }
        }
        #[cfg(target_arch = "aarch64")]
        Self {
            pc: machine.pc as usize,
            sp: machine.sp as usize,
            fp: machine.regs[29] as usize,
            lr: machine.regs[30] as usize,
        }
    }

    /// Those of the caller, for a function that has been entered and no instruction of it run, as when there is none.
    ///
    /// # Safety
    /// The stack pointer is that of a call just made.
    pub(crate) unsafe fn of_caller(self) -> Self {
        // The call itself, not the instruction after it, which may belong to something else.
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: a call has pushed the return address.
            let back = unsafe { *core::ptr::with_exposed_provenance::<usize>(self.sp) };
            Self { pc: back - 1, sp: self.sp + size_of::<usize>(), ..self }
        }
        #[cfg(target_arch = "aarch64")]
        Self { pc: self.lr - 1, ..self }
    }
}
