//! Jacobi matrices for the property tests, and the golden values of the oscillation wing.

use std::ops::Range;

use hadamard_oscillation::Jacobi;
use hadamard_oscillation::exact::{BigRational, ExactJacobi};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;

/// `values/oscillation.json`.
#[derive(Deserialize)]
pub struct Golden {
    /// Eigenvalues of floating-point matrices to 50 digits.
    pub matrices: Vec<GoldenMatrix>,
    /// Exact relative oscillation cases.
    pub relative: Vec<GoldenRelative>,
    /// Gauss rules to 50 digits.
    pub gauss: Vec<GoldenGauss>,
    /// Counts of the free chain.
    pub huge_free: Vec<GoldenFree>,
}

/// One matrix with reference eigenvalues.
#[derive(Deserialize)]
pub struct GoldenMatrix {
    /// Name of the case.
    pub name: String,
    /// Diagonal.
    pub diag: Vec<f64>,
    /// Off-diagonal.
    pub off: Vec<f64>,
    /// Decimal eigenvalues.
    pub eigenvalues: Vec<String>,
    /// Which eigenvalues are listed; all when absent.
    pub indices: Option<Vec<usize>>,
}

/// One pair of matrices with Wronskians, steps and counts.
#[derive(Deserialize)]
#[allow(missing_docs)]
pub struct GoldenRelative {
    pub class: String,
    pub b0: Vec<String>,
    pub a0: Vec<String>,
    pub z0: String,
    pub b1: Vec<String>,
    pub a1: Vec<String>,
    pub z1: String,
    pub lt0: usize,
    pub le0: usize,
    pub lt1: usize,
    pub le1: usize,
    #[serde(rename = "open (0,N): lt1-le0")]
    pub open: i64,
    #[serde(rename = "closed [0,N]: le1-lt0")]
    pub closed: i64,
    #[serde(rename = "lt1-lt0")]
    pub below: i64,
    #[serde(rename = "le1-le0")]
    pub at_most: i64,
    #[serde(rename = "W_plus_minus")]
    pub w_right_left: Vec<String>,
    #[serde(rename = "steps_plus_minus")]
    pub steps_right_left: Vec<i32>,
    #[serde(rename = "W_minus_plus")]
    pub w_left_right: Vec<String>,
    #[serde(rename = "steps_minus_plus")]
    pub steps_left_right: Vec<i32>,
}

/// One Gauss rule.
#[derive(Deserialize)]
#[allow(missing_docs)]
pub struct GoldenGauss {
    pub name: String,
    pub nodes: Vec<String>,
    pub weights: Vec<String>,
}

/// Counts of one free chain.
#[derive(Deserialize)]
#[allow(missing_docs)]
pub struct GoldenFree {
    pub n: usize,
    pub counts_lt: Vec<GoldenCount>,
}

/// One count.
#[derive(Deserialize)]
#[allow(missing_docs)]
pub struct GoldenCount {
    pub x: String,
    pub lt: usize,
    pub le: usize,
}

/// At least 1000 cases a property; more where `PROPTEST_CASES` asks for them.
pub fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: config.cases.max(1000),
        // Some properties set ties aside: a longer search meets more of them.
        max_global_rejects: 4 * config.cases.max(1000),
        ..config
    }
}

/// Reads the golden values.
pub fn golden() -> Golden {
    serde_json::from_str(include_str!("../values/oscillation.json")).expect("the golden values parse")
}

/// The exact value of a decimal such as "-1.25e-3".
pub fn decimal(text: &str) -> BigRational {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse::<i32>().expect("an exponent") - fraction.len() as i32;
    let zeros = "0".repeat(exponent.unsigned_abs() as usize);
    let ratio = if exponent < 0 {
        format!("{whole}{fraction}/1{zeros}")
    } else {
        format!("{whole}{fraction}{zeros}")
    };
    ratio.parse().expect("a decimal number")
}

/// The exact value of a float.
pub fn rational(x: f64) -> BigRational {
    BigRational::from_float(x).expect("a finite float")
}

/// The exact value of an integer.
pub fn integer(k: i64) -> BigRational {
    BigRational::from_integer(k.into())
}

/// Small integer matrices with many ties: order 1 to 7, entries -2..=2, couplings of either sign or zero.
pub fn small_integers() -> impl Strategy<Value = (Vec<i64>, Vec<i64>)> {
    small_matrices(1)
}

/// [`small_integers`] of at least the given order.
pub fn small_matrices(least: usize) -> impl Strategy<Value = (Vec<i64>, Vec<i64>)> {
    (least..=7).prop_flat_map(|n| (vec(-2i64..=2, n), vec(-2i64..=2, n - 1)))
}

/// Small integer matrices without zero couplings.
pub fn small_unreduced(n: Range<usize>) -> impl Strategy<Value = (Vec<i64>, Vec<i64>)> {
    n.prop_flat_map(|n| (vec(-2i64..=2, n), vec(nonzero(), n - 1)))
}

/// -2, -1, 1 or 2.
pub fn nonzero() -> impl Strategy<Value = i64> {
    prop_oneof![Just(-2i64), Just(-1), Just(1), Just(2)]
}

/// Exact and floating-point form of an integer matrix.
pub fn both(diagonal: &[i64], off: &[i64]) -> (ExactJacobi, Jacobi) {
    let float = |v: &[i64]| v.iter().map(|&k| k as f64).collect::<Vec<_>>();
    (
        ExactJacobi::from_integers(diagonal, off).expect("valid"),
        Jacobi::new(float(diagonal), float(off)).expect("valid"),
    )
}

/// Floating-point matrices of order up to 40: plain, graded over many binades, with constant diagonal, with splits.
pub fn float_matrix() -> impl Strategy<Value = Jacobi> {
    let entry = prop_oneof![
        4 => -3.0f64..3.0,
        1 => Just(0.0),
        1 => Just(1.0),
        2 => (-1.0f64..1.0, -60i32..20).prop_map(|(m, s)| m * 2f64.powi(s)),
    ];
    let plain = (1usize..=40).prop_flat_map(move |n| (vec(entry.clone(), n), vec(entry.clone(), n - 1)));
    let constant = (1usize..=40, -2.0f64..2.0).prop_flat_map(|(n, d)| (Just(vec![d; n]), vec(0.5f64..1.5, n - 1)));
    prop_oneof![3 => plain, 1 => constant].prop_map(|(d, e)| Jacobi::new(d, e).expect("valid"))
}

/// A shift that often is a diagonal entry, an eigenvalue or a neighbour of one.
pub fn shift_for(j: &Jacobi, choice: u32, t: f64) -> f64 {
    let n = j.order();
    match choice % 4 {
        0 => j.diagonal()[choice as usize / 4 % n],
        1 => j.eigenvalue(choice as usize / 4 % n).expect("index in range"),
        2 => j.eigenvalue(choice as usize / 4 % n).expect("index in range").next_up(),
        _ => {
            let (low, high) = j.gershgorin();
            low + t * (high - low)
        }
    }
}
