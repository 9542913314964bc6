//! Filters: golden values of SciPy, and laws that hold for every signal.

use std::path::Path;

use hadamard_meeg::filter::{Sos, average_reference, decimate};
use hadamard_meeg::{Error, Signal};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    sos: Vec<[f64; 6]>,
    zi: Vec<[f64; 2]>,
    padlen: usize,
    x: Vec<f64>,
    sosfilt: Vec<f64>,
    sosfiltfilt: Vec<f64>,
}

#[derive(Deserialize)]
struct Design {
    kind: String,
    order: usize,
    edges: Vec<f64>,
    fs: f64,
    quality: Option<f64>,
    sos: Vec<[f64; 6]>,
}

#[derive(Deserialize)]
struct Filtered {
    kind: String,
    order: usize,
    edges: Vec<f64>,
    fs: f64,
    y: Vec<f64>,
}

#[derive(Deserialize)]
struct Decimated {
    factor: usize,
    y: Vec<f64>,
}

#[derive(Deserialize)]
struct Designs {
    designs: Vec<Design>,
    x: Vec<f64>,
    filtered: Vec<Filtered>,
    decimated: Vec<Decimated>,
}

fn values<T: for<'a> Deserialize<'a>>(file: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("values").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn signal(rate: f64, channels: &[&[f64]]) -> Signal {
    let names = (0..channels.len()).map(|i| i.to_string()).collect();
    Signal::new(names, rate, channels.concat()).unwrap()
}

fn design(kind: &str, order: usize, edges: &[f64], rate: f64, quality: Option<f64>) -> Sos {
    match (kind, edges) {
        ("bandpass", &[low, high]) => Sos::band_pass(order, low, high, rate),
        ("bandstop", &[low, high]) => Sos::band_stop(order, low, high, rate),
        ("lowpass", &[edge]) => Sos::low_pass(order, edge, rate),
        ("highpass", &[edge]) => Sos::high_pass(order, edge, rate),
        ("notch", &[frequency]) => Sos::notch(frequency, quality.unwrap(), rate),
        _ => panic!("unknown design {kind}"),
    }
    .unwrap()
}

/// Largest |a − b| over largest |b|.
fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs())) / scale
}

/// Numerators relative to their largest coefficient, denominators (of order 1) absolutely.
fn assert_same_sections(name: &str, ours: &Sos, theirs: &[[f64; 6]], tolerance: f64) {
    let ours = ours.coefficients();
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!(relative(&a[..3], &b[..3]) < tolerance, "{name}: {a:?} against {b:?}");
        assert!(relative(&a[3..], &b[3..]) < tolerance, "{name}: {a:?} against {b:?}");
    }
}

#[test]
fn sections_states_and_outputs_equal_scipy() {
    let golden: serde_json::Value = values("meeg_filter.json");
    for (key, rate, low, high) in [
        ("fs160_8_30", 160.0, 8.0, 30.0),
        ("fs250_8_30", 250.0, 8.0, 30.0),
        ("fs500_8_13", 500.0, 8.0, 13.0),
    ] {
        let golden: Golden = serde_json::from_value(golden[key].clone()).unwrap();
        let sos = Sos::band_pass(4, low, high, rate).unwrap();
        assert_same_sections(key, &sos, &golden.sos, 1e-13);
        let ours: Vec<f64> = sos.steady_state().concat();
        // 1 + a1 + a2 loses digits: about (band edge in radians)² of them, 1e-2 here.
        assert!(
            relative(&ours, &golden.zi.concat()) < 1e-12,
            "{key}: {ours:?} against {:?}",
            golden.zi
        );
        assert_eq!(sos.padding(), golden.padlen);
        let x = signal(rate, &[&golden.x]);
        assert!(relative(sos.filter(&x).as_slice(), &golden.sosfilt) < 1e-12);
        assert!(relative(sos.filter_zero_phase(&x).unwrap().as_slice(), &golden.sosfiltfilt) < 1e-11);
    }
}

#[test]
fn designs_and_outputs_of_many_bands_equal_scipy() {
    let golden: Designs = values("meeg_filter_design.json");
    for d in &golden.designs {
        let name = format!("{} {} {:?} at {}", d.kind, d.order, d.edges, d.fs);
        let sos = design(&d.kind, d.order, &d.edges, d.fs, d.quality);
        assert_same_sections(&name, &sos, &d.sos, 1e-12);
    }
    for f in &golden.filtered {
        let y = design(&f.kind, f.order, &f.edges, f.fs, None)
            .filter_zero_phase(&signal(f.fs, &[&golden.x]))
            .unwrap();
        let error = relative(y.as_slice(), &f.y);
        assert!(error < 1e-9, "{} {:?}: {error:e}", f.kind, f.edges);
    }
    for d in &golden.decimated {
        let y = decimate(&signal(500.0, &[&golden.x]), d.factor).unwrap();
        assert_eq!(y.sampling_rate(), 500.0 / d.factor as f64);
        assert!(relative(y.as_slice(), &d.y) < 1e-13);
    }
}

#[test]
fn gains_at_the_edges() {
    for (order, low, high, rate) in [(4, 8.0, 13.0, 500.0), (2, 1.0, 4.0, 500.0), (7, 8.0, 30.0, 160.0)] {
        let sos = Sos::band_pass(order, low, high, rate).unwrap();
        for edge in [low, high] {
            assert!(
                (sos.gain(edge, rate) - 0.5_f64.sqrt()).abs() < 1e-9,
                "{order} {low}-{high}"
            );
        }
        assert!(sos.gain(0.0, rate) < 1e-12 && sos.gain(rate / 2.0, rate) < 1e-12);
    }
    let notch = Sos::notch(50.0, 30.0, 500.0).unwrap();
    assert!(notch.gain(50.0, 500.0) < 1e-12);
    assert!((notch.gain(0.0, 500.0) - 1.0).abs() < 1e-12);
}

#[test]
fn nonsense_is_refused() {
    let edges = [
        (0, 8.0, 13.0),
        (4, 0.0, 13.0),
        (4, 13.0, 8.0),
        (4, 8.0, 60.0),
        (4, f64::NAN, 13.0),
        (99, 8.0, 9.0),
    ];
    for (order, low, high) in edges {
        assert!(matches!(
            Sos::band_pass(order, low, high, 100.0),
            Err(Error::InvalidParameter { .. })
        ));
    }
    assert!(matches!(
        Sos::low_pass(4, 8.0, f64::NAN),
        Err(Error::InvalidParameter { .. })
    ));
    assert!(matches!(
        Sos::notch(50.0, 0.0, 160.0),
        Err(Error::InvalidParameter { .. })
    ));
    let sos = Sos::band_pass(4, 8.0, 13.0, 100.0).unwrap();
    let short = signal(100.0, &[&[1.0; 27]]);
    assert!(matches!(
        sos.filter_zero_phase(&short),
        Err(Error::TooFewSamples { needed: 28, .. })
    ));
    assert!(matches!(decimate(&short, 0), Err(Error::InvalidParameter { .. })));
    assert!(matches!(decimate(&short, usize::MAX), Err(Error::TooFewSamples { .. })));
    assert_eq!(sos.filter(&signal(100.0, &[&[]])).samples(), 0);
}

fn samples(length: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.0..1.0_f64, length)
}

proptest! {
    /// F(a x + b y) = a F(x) + b F(y), up to rounding over the filter's memory of some 100 samples.
    #[test]
    fn zero_phase_is_linear(x in samples(200), y in samples(200), a in -3.0..3.0_f64, b in -3.0..3.0_f64) {
        let sos = Sos::band_pass(3, 8.0, 30.0, 160.0).unwrap();
        let sum: Vec<f64> = x.iter().zip(&y).map(|(x, y)| a * x + b * y).collect();
        let run = |v: &[f64]| sos.filter_zero_phase(&signal(160.0, &[v])).unwrap().into_vec();
        let (fx, fy, fs) = (run(&x), run(&y), run(&sum));
        for i in 0..200 {
            prop_assert!((fs[i] - a * fx[i] - b * fy[i]).abs() < 1e-12);
        }
    }

    /// A channel's result does not depend on its neighbours in the lanes, bit for bit.
    #[test]
    fn channels_do_not_mix(data in samples(11 * 90), pick in 0..11_usize) {
        let sos = Sos::band_pass(4, 1.0, 4.0, 160.0).unwrap();
        let rows: Vec<&[f64]> = data.chunks_exact(90).collect();
        let all = sos.filter_zero_phase(&signal(160.0, &rows)).unwrap();
        let one = sos.filter_zero_phase(&signal(160.0, &[rows[pick]])).unwrap();
        prop_assert_eq!(all.channel(pick), one.as_slice());
        let (all, one) = (sos.filter(&signal(160.0, &rows)), sos.filter(&signal(160.0, &[rows[pick]])));
        prop_assert_eq!(all.channel(pick), one.as_slice());
    }

    /// The steady state makes a constant pass a low-pass from the first sample on.
    #[test]
    fn constants_pass_a_low_pass(level in -1e-3..1e-3_f64, order in 1..6_usize) {
        let sos = Sos::low_pass(order, 10.0, 100.0).unwrap();
        let y = sos.filter_zero_phase(&signal(100.0, &[&[level; 64]])).unwrap();
        prop_assert!(y.as_slice().iter().all(|y| (y - level).abs() <= 1e-12 * level.abs()));
    }

    /// The reference is a projection: channels sum to 0, and doing it twice changes nothing.
    #[test]
    fn average_reference_is_a_projection(data in samples(5 * 20)) {
        let rows: Vec<&[f64]> = data.chunks_exact(20).collect();
        let mut once = signal(100.0, &rows);
        average_reference(&mut once);
        let mut twice = once.clone();
        average_reference(&mut twice);
        for t in 0..20 {
            // Five channels of size 1: a few roundings of 1.1e-16 each.
            prop_assert!((0..5).map(|c| once.channel(c)[t]).sum::<f64>().abs() < 3e-15);
        }
        for (a, b) in once.as_slice().iter().zip(twice.as_slice()) {
            prop_assert!((a - b).abs() < 1e-15);
        }
    }
}
