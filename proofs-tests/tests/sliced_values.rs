//! Sliced-Wasserstein distances against values that an independent implementation computed.

use hadamard_geometry::sliced::{
    BandRule, DirectionBank, LogCloud, dirac_spdsw2_pow, exact_squared_distances, gaussian_kernel, spdsw,
    spdsw_mean_exact, spdsw_pow, squared_distances, wasserstein_1d,
};
use proofs_tests::sliced::{batch, factored_bank, golden, matrices, numbers};
use serde_json::Value;

/// The points have condition numbers below 1e3, so that twelve digits are certain.
const RELATIVE: f64 = 1e-12;

const CASES: [&str; 3] = ["case_d2", "case_d3", "case_d5"];

/// Twelve digits of values of order one; entries near zero are held to the scale of their neighbours.
fn close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= RELATIVE * expected.abs().max(1e-1),
        "{what}: {found} against {expected}"
    );
}

struct Clouds {
    x: LogCloud,
    y: LogCloud,
    weighted_x: LogCloud,
    weighted_y: LogCloud,
}

fn clouds(case: &Value) -> Clouds {
    let (x, y) = (batch(&case["X"]), batch(&case["Y"]));
    Clouds {
        x: LogCloud::try_new(&x).unwrap(),
        y: LogCloud::try_new(&y).unwrap(),
        weighted_x: LogCloud::with_weights(&x, &numbers(&case["a"])).unwrap(),
        weighted_y: LogCloud::with_weights(&y, &numbers(&case["b"])).unwrap(),
    }
}

#[test]
fn spdsw_powers_and_roots() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let clouds = clouds(case);
        for bank in [
            factored_bank(case),
            DirectionBank::from_matrices(&matrices(&case["A"])).unwrap(),
        ] {
            for p in [1.0, 2.0, 3.0] {
                let expected = &case["spdsw_pow"];
                let uniform = expected[format!("p{p}_uniform")].as_f64().unwrap();
                let weighted = expected[format!("p{p}_weighted")].as_f64().unwrap();
                close(spdsw_pow(&bank, &clouds.x, &clouds.y, p).unwrap(), uniform, name);
                close(
                    spdsw(&bank, &clouds.x, &clouds.y, p).unwrap(),
                    uniform.powf(1.0 / p),
                    name,
                );
                close(
                    spdsw_pow(&bank, &clouds.weighted_x, &clouds.weighted_y, p).unwrap(),
                    weighted,
                    name,
                );
            }
            let mean_exact = case["mean_exact_estimator_p2"].as_f64().unwrap();
            close(spdsw_mean_exact(&bank, &clouds.x, &clouds.y).unwrap(), mean_exact, name);
        }
    }
}

#[test]
fn dirac_pairs() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let (x, y) = (batch(&case["X"]).get(0), batch(&case["Y"]).get(0));
        close(
            dirac_spdsw2_pow(&x, &y).unwrap(),
            case["dirac_pair_exact_spdsw2"].as_f64().unwrap(),
            name,
        );
    }
}

#[test]
fn quantile_features() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let found = factored_bank(case).quantile_features(&clouds(case).x, 4).unwrap();
        for (found, expected) in found.iter().zip(numbers(&case["quantile_features_T4"])) {
            close(*found, expected, name);
        }
    }
}

#[test]
fn kernel_of_four_measures() {
    let values = golden();
    let bank = factored_bank(&values["case_d3"]);
    let kernel = &values["kernel"];
    let clouds: Vec<LogCloud> = kernel["measures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| LogCloud::try_new(&batch(m)).unwrap())
        .collect();
    let clouds: Vec<&LogCloud> = clouds.iter().collect();
    let exact = exact_squared_distances(&bank, &clouds).unwrap();
    let features = squared_distances(&bank.exact_features(&clouds).unwrap()).unwrap();
    for squared in [exact, features] {
        for (found, expected) in squared.iter().zip(numbers(&kernel["D2"])) {
            close(*found, expected, "D2");
        }
        let gamma = kernel["gamma"].as_f64().unwrap();
        let k = gaussian_kernel(&[squared], &[gamma], BandRule::Sum).unwrap();
        for (found, expected) in k.iter().zip(numbers(&kernel["K"])) {
            close(*found, expected, "K");
        }
        let mut eigenvalues: Vec<f64> = k.symmetric_eigenvalues().iter().copied().collect();
        eigenvalues.sort_by(f64::total_cmp);
        for (found, expected) in eigenvalues.iter().zip(numbers(&kernel["eig"])) {
            close(*found, expected, "eigenvalue");
        }
    }
}

#[test]
fn wasserstein_on_the_line() {
    let case = &golden()["w1d"];
    let [u, a, v, b] = ["u", "a", "v", "b"].map(|key| numbers(&case[key]));
    for p in [1.0, 2.0] {
        let found = wasserstein_1d(&u, Some(&a), &v, Some(&b), p).unwrap();
        close(found.powf(p), case[format!("p{p}")].as_f64().unwrap(), "w1d");
    }
}
