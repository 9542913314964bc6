use hadamard::geometry::metrics::{AffineInvariant, BuresWasserstein, Cholesky, Euclidean, LogEuclidean};
use hadamard::geometry::{Metric, Spd};
use hadamard::plot::geodesics::{Curve, cone, ellipses, invariants};
use hadamard::plot::streaming::{StreamedRun, streamed_svd};
use hadamard::plot::{
    Axis, Chart, Error, Figure, Mark, Points, Series, balls, clouds, curves, regression, spectra, tangent,
};
use nalgebra::DMatrix;

use crate::draw::{Draw, cases, sound};

fn points(draw: &mut Draw) -> Points {
    let n = draw.below(12);
    (0..n).map(|_| (draw.number(), draw.number())).collect()
}

fn text(draw: &mut Draw) -> String {
    [
        "",
        "a & b < c > \"d\"",
        "μV²/Hz",
        "x",
        "a label that is much longer than the picture is wide, by far and more",
    ][draw.below(5)]
    .to_string()
}

/// A picture is text without NaN in it, or an error.
fn drawn(what: &str, figure: Result<Figure, Error>) {
    let Some(figure) = sound(what, figure) else { return };
    if let Some(svg) = sound(what, figure.to_svg()) {
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{what}");
        assert!(
            !svg.contains("NaN") && !svg.contains("inf"),
            "{what}: NaN in the picture"
        );
    }
}

fn axis(draw: &mut Draw) -> Axis {
    let label = text(draw);
    match draw.below(5) {
        0 => Axis::log(label),
        1 => {
            let names: Vec<String> = (0..draw.below(4)).map(|_| text(draw)).collect();
            Axis::named(label, names)
        }
        2 => Axis::hidden(label),
        3 => Axis::linear(label).range(draw.number(), draw.number()),
        _ => Axis::linear(label),
    }
}

#[test]
fn figures() {
    const MARKS: [Mark; 4] = [Mark::Line, Mark::Dashed, Mark::Steps, Mark::Points];
    cases(600, |draw| {
        let charts = draw.below(4);
        let charts: Vec<Chart> = (0..charts)
            .map(|_| {
                let mut chart = Chart::new(axis(draw), axis(draw)).title(text(draw));
                for _ in 0..draw.below(4) {
                    let mut series = Series::new(MARKS[draw.below(4)], points(draw)).color(draw.below(40));
                    if draw.one_in(2) {
                        series = series.label(text(draw));
                    }
                    chart = chart.with(series);
                }
                if draw.one_in(4) { chart.equal_aspect() } else { chart }
            })
            .collect();
        let size = if draw.one_in(4) {
            let side = |draw: &mut Draw| [0, 1, 21, 60, 110, 150, 5000, u32::MAX][draw.below(8)];
            (side(draw), side(draw))
        } else {
            [(320, 200), (640, 420)][draw.below(2)]
        };
        let figure = Figure::grid(charts, draw.below(4), size);
        drawn("figure", Ok(figure.clone()));
        if draw.one_in(10) {
            let folder = tempfile::tempdir().expect("a temporary folder can be made");
            for name in ["a.png", "a.svg", "a.gif", "a", "no/a.svg"] {
                let path = folder.path().join(name);
                let saved = sound("save", figure.save(&path));
                assert_eq!(saved.is_some(), path.exists(), "{name}");
            }
            let left = std::fs::read_dir(folder.path()).expect("the folder is there").count();
            assert!(left <= 2, "a part of a picture was left behind");
        }
    });
}

#[test]
fn charts_of_numbers() {
    cases(600, |draw| {
        let n = draw.below(6);
        let named: Vec<(String, Points)> = (0..draw.below(4)).map(|_| (text(draw), points(draw))).collect();
        let columns: Vec<(String, Vec<f64>)> = (0..draw.below(4))
            .map(|_| {
                let n = draw.about(n);
                (text(draw), draw.numbers(n))
            })
            .collect();
        let truth = draw.numbers(n);
        drawn("lines", curves::lines(axis(draw), axis(draw), &named));
        drawn("steps", curves::steps(axis(draw), axis(draw), &named));
        drawn(
            "scatter",
            clouds::scatter("x", "y", &[("a", named.clone()), ("", named.clone())]),
        );
        drawn("performance_profiles", curves::performance_profiles("cost", &columns));
        drawn(
            "predicted_vs_true",
            regression::predicted_vs_true("years", &truth, &columns),
        );
        let channels: Vec<String> = (0..n).map(|i| i.to_string()).collect();
        drawn("pattern", regression::pattern("weight", &channels, &columns));
        drawn("learning_curve", regression::learning_curve("error", &named));
        let steps: Vec<i8> = (0..draw.below(20)).map(|_| draw.below(256) as u8 as i8).collect();
        drawn("wronskian_nodes", spectra::wronskian_nodes("k", &steps));
        let run = |draw: &mut Draw| StreamedRun {
            label: text(draw),
            time: points(draw),
            history: (0..draw.below(4)).map(|_| (draw.number(), draw.numbers(n))).collect(),
            excess: points(draw),
            singular_values: draw.numbers(n),
        };
        let runs: Vec<StreamedRun> = (0..draw.below(3)).map(|_| run(draw)).collect();
        drawn("streamed_svd", streamed_svd(&runs, &run(draw)));
    });
}

#[test]
fn geometry() {
    cases(150, |draw| {
        let order = [2, 2, 2, 3, 1, 4][draw.below(6)];
        let (Some(a), Some(b)) = (
            sound("Spd", Spd::try_new(draw.spd(order))),
            sound("Spd", Spd::try_new(draw.spd(order))),
        ) else {
            return;
        };
        let all: [Box<dyn Metric>; 5] = [
            Box::new(Euclidean::default()),
            Box::new(LogEuclidean::default()),
            Box::new(AffineInvariant::default()),
            Box::new(BuresWasserstein),
            Box::new(Cholesky::default()),
        ];
        let metrics: Vec<&dyn Metric> = all[..draw.below(6)].iter().map(|m| &**m).collect();
        let mut lines: Vec<Curve> = Vec::new();
        for metric in &metrics {
            lines.extend(sound("geodesic", Curve::geodesic(*metric, &a, &b, draw.below(7))));
        }
        if draw.one_in(4) {
            let points = if draw.one_in(2) {
                vec![]
            } else {
                vec![a.clone(), b.clone()]
            };
            let n = draw.about(points.len());
            lines.push(Curve {
                label: text(draw),
                t: draw.numbers(n),
                points,
            });
        }
        drawn("ellipses", ellipses(&lines));
        drawn("cone", cone(&lines));
        drawn("invariants", invariants(&lines));
        let radii: Vec<f64> = (0..draw.below(3)).map(|_| draw.parameter()).collect();
        drawn("balls", balls::balls(&metrics, &a, &radii, &[("b", b.clone())]));
        let (u, v): (DMatrix<f64>, DMatrix<f64>) = (draw.spd(order), draw.matrix(order, order));
        drawn("exp_domains", tangent::exp_domains(&metrics, &a, [&u, &v], ["u", "v"]));
        drawn("transport", tangent::transport(&metrics, &a, &b, &u, draw.below(6)));
    });
}
