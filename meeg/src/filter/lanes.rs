//! The recursion of a cascade over eight channels side by side.
//!
//! A recursion has no parallelism along time, so it is found across channels: sample t of eight channels is one array,
//! which the compiler keeps in one AVX-512 register or two AVX2 registers. `pulp` picks the instruction set at run time.

use super::sos::Section;

/// Channels side by side.
pub(super) const LANES: usize = 8;

/// One sample of each lane.
pub(super) type Lanes = [f64; LANES];

/// Samples that all sections go over before the next ones: small enough to stay in the first-level cache.
const BLOCK: usize = 256;

/// Copies up to eight channels of `samples` values each into lanes; missing channels are 0.
pub(super) fn interleave(channels: &[f64], samples: usize, out: &mut [Lanes]) {
    let rows: Vec<&[f64]> = channels.chunks_exact(samples.max(1)).collect();
    for (t, out) in out.iter_mut().enumerate() {
        *out = [0.0; LANES];
        for (lane, row) in rows.iter().enumerate() {
            out[lane] = row[t];
        }
    }
}

/// Copies lanes back to up to eight channels.
pub(super) fn separate(lanes: &[Lanes], samples: usize, channels: &mut [f64]) {
    for (lane, row) in channels.chunks_exact_mut(samples.max(1)).enumerate() {
        for (value, lanes) in row.iter_mut().zip(lanes) {
            *value = lanes[lane];
        }
    }
}

/// Runs the cascade over `x` in place: y = b0 x + s1, s1 ← b1 x − a1 y + s2, s2 ← b2 x − a2 y in each section.
pub(super) fn run(sections: &[Section], states: &mut [[Lanes; 2]], x: &mut [Lanes]) {
    pulp::Arch::new().dispatch(Cascade { sections, states, x });
}

/// A type, since the call of a closure need not be inlined and would then run without the wide instructions.
struct Cascade<'a> {
    sections: &'a [Section],
    states: &'a mut [[Lanes; 2]],
    x: &'a mut [Lanes],
}

impl pulp::NullaryFnOnce for Cascade<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for block in self.x.chunks_mut(BLOCK) {
            for (section, state) in self.sections.iter().zip(self.states.iter_mut()) {
                run_section(section, state, block);
            }
        }
    }
}

#[inline(always)]
fn run_section(section: &Section, state: &mut [Lanes; 2], x: &mut [Lanes]) {
    let Section { b, a } = *section;
    let [mut s1, mut s2] = *state;
    for x in x {
        let mut y = [0.0; LANES];
        for lane in 0..LANES {
            y[lane] = b[0] * x[lane] + s1[lane];
            s1[lane] = b[1] * x[lane] - a[0] * y[lane] + s2[lane];
            s2[lane] = b[2] * x[lane] - a[1] * y[lane];
        }
        *x = y;
    }
    *state = [s1, s2];
}
