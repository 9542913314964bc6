//! Updates of a truncated SVD against golden values of another implementation, by every method.

use hadamard_ssvd::*;
use nalgebra::DMatrix;
use proofs_tests::ssvd::*;
use serde_json::Value;

fn matrix(value: &Value) -> DMatrix<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).expect("a list of rows");
    DMatrix::from_fn(rows.len(), rows.first().map_or(0, Vec::len), |i, j| rows[i][j])
}

fn csr(a: &DMatrix<f64>) -> Csr {
    Csr::from_dense(a).expect("finite")
}

fn close(found: &DMatrix<f64>, expected: &DMatrix<f64>, scale: f64, tolerance: f64) {
    let error = (found - expected).norm() / scale;
    assert!(
        error <= tolerance,
        "relative error {error:.1e}, allowed {tolerance:.1e}"
    );
}

fn apply(svd: &mut impl UpdateTruncatedSvd, op: &str, d: &DMatrix<f64>, e: &DMatrix<f64>) -> UpdateReport {
    match op {
        "rows" => svd.add_rows(&csr(e)),
        "cols" => svd.add_columns(&csr(e)),
        _ => svd.add_low_rank(&csr(d), &csr(e)),
    }
    .expect("a valid update")
}

#[test]
fn golden_sequences() {
    let file: Value = serde_json::from_str(include_str!("../values/updating-svd.json")).expect("golden values");
    for case in file["cases"].as_array().expect("cases") {
        let (a, k) = (csr(&matrix(&case["A"])), case["k"].as_u64().expect("k") as usize);
        let start = lanczos(&a, k, &LanczosOptions::default()).expect("a valid matrix").svd;
        let mut exact = UpdatingSvd::start(&a, k, Exact).expect("a valid matrix");
        let mut gkl = UpdatingSvd::start(&a, k, Gkl { l: 16 }).expect("a valid matrix");
        let mut rpi = UpdatingSvd::start(&a, k, Rpi { l: 16, t: 2 }).expect("a valid matrix");
        let dense = |method| DenseUpdating::new(start.clone(), k, method, 1).expect("a valid start");
        let mut zs = dense(DenseMethod::ZhaSimon);
        let mut vs = dense(DenseMethod::VecharynskiSaad { l: 16 });
        let mut yamazaki = dense(DenseMethod::Yamazaki { l: 16, t: 2 });
        for step in case["steps"].as_array().expect("steps") {
            let op = step["op"].as_str().expect("op");
            let d = if step["D"].is_null() {
                DMatrix::zeros(0, 0)
            } else {
                matrix(&step["D"])
            };
            let e = matrix(&step["E"]);
            let approximation = matrix(&step["approx"]);
            let values: Vec<f64> = serde_json::from_value(step["singular_values"].clone()).expect("values");
            fn hold(
                svd: &mut impl UpdateTruncatedSvd,
                op: &str,
                d: &DMatrix<f64>,
                e: &DMatrix<f64>,
                a: &DMatrix<f64>,
                s: &[f64],
            ) {
                apply(svd, op, d, e);
                for (i, s0) in s.iter().enumerate() {
                    let found = svd.singular_values().get(i).copied().unwrap_or(0.0);
                    assert!((found - s0).abs() <= TIGHT * s[0], "value {i}: {found} for {s0}");
                }
                close(&svd.to_dense(), a, s[0], TIGHT);
                assert_sound(&svd.svd(), TIGHT);
            }
            hold(&mut exact, op, &d, &e, &approximation, &values);
            hold(&mut gkl, op, &d, &e, &approximation, &values);
            hold(&mut rpi, op, &d, &e, &approximation, &values);
            hold(&mut zs, op, &d, &e, &approximation, &values);
            hold(&mut vs, op, &d, &e, &approximation, &values);
            hold(&mut yamazaki, op, &d, &e, &approximation, &values);
        }
    }
}
