//! The processor's time stamp counter.

/// The counter now. Not ordered against the instructions around it. Zero where there is none; ask
/// [`is_invariant`] first.
#[inline]
pub(crate) fn now() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        // SAFETY: every x86-64 processor has the instruction; an operating system that forbids it to programs is
        // none of those we run on.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        0
    }
}

/// Counts at one rate on all cores whatever they do (leaf `8000_0007h`, bit 8 of EDX).
pub(crate) fn is_invariant() -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        const LEAF: u32 = 0x8000_0007;
        std::arch::x86_64::__cpuid(0x8000_0000).eax >= LEAF
            && std::arch::x86_64::__cpuid(LEAF).edx & (1 << 8) != 0
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        false
    }
}
