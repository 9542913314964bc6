//! Pictures of predictions: predicted against true, weights of channels, error against cohort size.

use crate::error::{Error, Result};
use crate::figure::{Axis, Chart, Figure, Mark, Points, Series};

/// Predicted against true values, one colour a model, with the line of perfect prediction.
///
/// `models` holds (name, predictions), each as long as `truth`; `unit` is shown on both axes ("age (years)").
///
/// # Errors
/// [`Error::Empty`] without values or models, [`Error::Mismatch`] for different lengths.
pub fn predicted_vs_true<L: AsRef<str>>(unit: &str, truth: &[f64], models: &[(L, Vec<f64>)]) -> Result<Figure> {
    if truth.is_empty() || models.is_empty() {
        return Err(Error::Empty {
            what: "no values or no models",
        });
    }
    for (name, predictions) in models {
        if predictions.len() != truth.len() {
            return Err(Error::Mismatch {
                what: "predictions of a model",
                expected: truth.len().to_string(),
                found: format!("{} for {}", predictions.len(), name.as_ref()),
            });
        }
    }
    let finite = || truth.iter().copied().filter(|v| v.is_finite());
    let (least, greatest) = (
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    let perfect = [(least, least), (greatest, greatest)];
    let mut chart = Chart::new(
        Axis::linear(format!("true {unit}")),
        Axis::linear(format!("predicted {unit}")),
    )
    .with(Series::new(Mark::Dashed, perfect).muted().label("perfect"));
    for (color, (name, predictions)) in models.iter().enumerate() {
        let points = truth.iter().copied().zip(predictions.iter().copied());
        chart = chart.with(Series::dots(points).label(name.as_ref()).color(color));
    }
    Ok(Figure::grid(vec![chart], 1, (680, 480)))
}

/// Weight of each channel in a model, one chart a band: bars, because positions of sensors are not needed for it.
///
/// `bands` holds (name, weights), each as long as `channels`; `label` stands at the axis of the weights, with their
/// unit.
///
/// # Errors
/// [`Error::Empty`] without channels or bands, [`Error::Mismatch`] for different lengths.
pub fn pattern<L: AsRef<str>>(label: &str, channels: &[String], bands: &[(L, Vec<f64>)]) -> Result<Figure> {
    if channels.is_empty() || bands.is_empty() {
        return Err(Error::Empty {
            what: "no channels or no bands",
        });
    }
    let mut charts = Vec::with_capacity(bands.len());
    for (color, (name, weights)) in bands.iter().enumerate() {
        if weights.len() != channels.len() {
            return Err(Error::Mismatch {
                what: "weights of a band",
                expected: channels.len().to_string(),
                found: format!("{} for {}", weights.len(), name.as_ref()),
            });
        }
        let bars = weights
            .iter()
            .enumerate()
            .map(|(channel, &weight)| (channel as f64, weight));
        charts.push(
            Chart::new(Axis::named("channel", channels), Axis::linear(label))
                .title(name.as_ref())
                .with(Series::new(Mark::Bars, bars).color(color)),
        );
    }
    let width = (120 + 34 * channels.len() as u32).clamp(420, 2400);
    Ok(Figure::grid(charts, 1, (width, 260)))
}

/// Mean absolute error against the number of people a model was trained on, one curve a model.
///
/// `curves` holds (name, points (people, error)); `error_label` stands at the axis of the errors, with their unit.
///
/// # Errors
/// [`Error::Empty`] without curves.
pub fn learning_curve<L: AsRef<str>>(error_label: &str, curves: &[(L, Points)]) -> Result<Figure> {
    if curves.is_empty() {
        return Err(Error::Empty { what: "no curves" });
    }
    let mut chart = Chart::new(Axis::linear("people in the cohort"), Axis::linear(error_label));
    for (color, (name, points)) in curves.iter().enumerate() {
        chart = chart.with(Series::line(points.iter().copied()).label(name.as_ref()).color(color));
        chart = chart.with(Series::dots(points.iter().copied()).color(color));
    }
    Ok(Figure::single(chart))
}
