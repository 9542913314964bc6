//! Divided differences of scalar functions without cancellation.

/// A scalar function whose divided differences are known in stable form.
///
/// ```
/// use hadamard_geometry::matrix_functions::ScalarFunction;
///
/// let log = ScalarFunction::Log;
/// assert_eq!(log.divided1(2.0, 2.0), 0.5);
/// // Two eigenvalues of 1e-26 that differ in the twelfth digit: the quotient of differences would have 4 digits.
/// let (x, y) = (1e-26, 1.000000000001e-26);
/// assert!((log.divided1(x, y) * x - (1.0 - 0.5e-12)).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScalarFunction {
    /// log x, for x > 0.
    Log,
    /// exp x.
    Exp,
    /// x^p, for x > 0. p = 1/2 is the square root, −1 the inverse, −1/2 the inverse square root, 2 the square.
    Pow(f64),
}

/// Largest relative (for `Exp`: absolute) spread of the arguments at which the Taylor series is used; with
/// [`TAYLOR_TERMS`] terms the truncation is below rounding, and above it quotients of differences lose at most a digit.
const TAYLOR_SPREAD: f64 = 0.1;
const TAYLOR_TERMS: usize = 18;

impl ScalarFunction {
    /// f(x).
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Log => x.ln(),
            Self::Exp => x.exp(),
            Self::Pow(p) => pow(x, p),
        }
    }

    /// f'(x).
    pub fn derivative(self, x: f64) -> f64 {
        match self {
            Self::Log => x.recip(),
            Self::Exp => x.exp(),
            // Not x^(p−1): the rounding of p − 1 would be multiplied by log x.
            Self::Pow(p) => p * (pow(x, p) / x),
        }
    }

    /// f[x, y] = (f(x) − f(y)) / (x − y), and f'(x) for x = y. Symmetric to the last bit; relative error a few ε.
    pub fn divided1(self, x: f64, y: f64) -> f64 {
        let (low, high) = if x <= y { (x, y) } else { (y, x) };
        match self {
            Self::Log => {
                let h = (high - low) / low;
                if h == 0.0 {
                    low.recip()
                } else {
                    log_ratio(low, high, h) / (high - low)
                }
            }
            Self::Exp => {
                let h = high - low;
                let factor = if h == 0.0 { 1.0 } else { -(-h).exp_m1() / h };
                high.exp() * factor
            }
            Self::Pow(p) => power_divided(p, low, high),
        }
    }

    /// f[x, y, z], and f''(x)/2 for x = y = z. Relative error a few ε for arguments of one scale.
    pub fn divided2(self, x: f64, y: f64, z: f64) -> f64 {
        let mut nodes = [x, y, z];
        nodes.sort_unstable_by(f64::total_cmp);
        let [a, b, c] = nodes;
        match self {
            Self::Pow(-1.0) => return (a * b).recip() / c,
            Self::Pow(1.0) => return 0.0,
            Self::Pow(2.0) => return 1.0,
            Self::Pow(0.5) => {
                let (a, b, c) = (a.sqrt(), b.sqrt(), c.sqrt());
                return -1.0 / ((a + b) * (b + c) * (a + c));
            }
            _ => {}
        }
        if self.is_wide(a, c) {
            (self.divided1(b, c) - self.divided1(a, b)) / (c - a)
        } else {
            self.taylor(&nodes)
        }
    }

    /// f[x, y, z, w], and f'''(x)/6 when all are equal.
    pub fn divided3(self, x: f64, y: f64, z: f64, w: f64) -> f64 {
        let mut nodes = [x, y, z, w];
        nodes.sort_unstable_by(f64::total_cmp);
        let [a, b, c, d] = nodes;
        match self {
            Self::Pow(-1.0) => -((a * b).recip() / c) / d,
            Self::Pow(1.0 | 2.0) => 0.0,
            _ if self.is_wide(a, d) => (self.divided2(b, c, d) - self.divided2(a, b, c)) / (d - a),
            _ => self.taylor(&nodes),
        }
    }

    fn is_wide(self, low: f64, high: f64) -> bool {
        let scale = if self == Self::Exp { 1.0 } else { high };
        high - low > TAYLOR_SPREAD * scale
    }

    /// f[x₀, …, x_k] = Σ_j T_{k+j} h_j(x − m), T the Taylor coefficients at the centroid m and h_j the complete
    /// homogeneous symmetric polynomials, by Newton's recurrence from the elementary ones.
    fn taylor<const N: usize>(self, nodes: &[f64; N]) -> f64 {
        let m = nodes.iter().sum::<f64>() / N as f64;
        let scale = if self == Self::Exp { 1.0 } else { m };
        // Deviations and coefficients are divided by the scale, so that 1e-26 and 1e6 are alike.
        let mut elementary = [0.0; 5];
        elementary[0] = 1.0;
        for (count, &node) in nodes.iter().enumerate() {
            let deviation = (node - m) / scale;
            for k in (1..=count + 1).rev() {
                elementary[k] += deviation * elementary[k - 1];
            }
        }
        let order = N - 1;
        let mut homogeneous = [0.0; TAYLOR_TERMS];
        homogeneous[0] = 1.0;
        let mut coefficient = self.taylor_coefficient(order);
        let mut sum = coefficient;
        let mut before = f64::INFINITY;
        for j in 1..TAYLOR_TERMS {
            let mut next = 0.0;
            let mut sign = 1.0;
            for k in 1..=j.min(N) {
                next += sign * elementary[k] * homogeneous[j - k];
                sign = -sign;
            }
            homogeneous[j] = next;
            coefficient *= self.taylor_ratio(order + j);
            let term = coefficient * next;
            sum += term;
            // The first deviations sum to zero, so single terms may vanish before the series has converged.
            if term.abs() + before < 0.01 * f64::EPSILON * sum.abs() {
                break;
            }
            before = term.abs();
        }
        match self {
            Self::Log => (0..order).fold(sum, |value, _| value / m),
            Self::Exp => sum * m.exp(),
            Self::Pow(p) => (0..order).fold(sum * pow(m, p), |value, _| value / m),
        }
    }

    /// f^(j)(m)/j! divided by its scale: m^{-j} (log), eᵐ (exp), m^{p-j} (power); j ≥ 1.
    fn taylor_coefficient(self, j: usize) -> f64 {
        match self {
            Self::Log => (if j % 2 == 1 { 1.0 } else { -1.0 }) / j as f64,
            Self::Exp => (1..=j).map(|k| 1.0 / k as f64).product(),
            Self::Pow(p) => (0..j).map(|k| (p - k as f64) / (k + 1) as f64).product(),
        }
    }

    /// The j-th coefficient over the one before; j ≥ 2.
    fn taylor_ratio(self, j: usize) -> f64 {
        match self {
            Self::Log => -((j - 1) as f64) / j as f64,
            Self::Exp => 1.0 / j as f64,
            Self::Pow(p) => (p - (j - 1) as f64) / j as f64,
        }
    }
}

/// x^p, by the exactly rounded operations where p allows.
fn pow(x: f64, p: f64) -> f64 {
    match p {
        1.0 => x,
        2.0 => x * x,
        0.5 => x.sqrt(),
        -0.5 => x.sqrt().recip(),
        -1.0 => x.recip(),
        _ => x.powf(p),
    }
}

/// log(high/low) where h = (high − low)/low.
fn log_ratio(low: f64, high: f64, h: f64) -> f64 {
    if h < 1.0 {
        h.ln_1p()
    } else {
        let ratio = high / low;
        if ratio.is_finite() {
            ratio.ln()
        } else {
            high.ln() - low.ln()
        }
    }
}

fn power_divided(p: f64, low: f64, high: f64) -> f64 {
    match p {
        1.0 => 1.0,
        2.0 => low + high,
        0.5 => 1.0 / (low.sqrt() + high.sqrt()),
        -0.5 => {
            let (a, b) = (low.sqrt(), high.sqrt());
            -((a * b).recip() / (a + b))
        }
        -1.0 => -(low.recip() / high),
        _ => {
            let h = (high - low) / low;
            if h == 0.0 {
                return p * (low.powf(p) / low);
            }
            let growth = p * log_ratio(low, high, h);
            // Far arguments: one power dominates, and expm1 of a large argument would overflow.
            if growth.abs() > 1.0 {
                (high.powf(p) - low.powf(p)) / (high - low)
            } else {
                low.powf(p) * growth.exp_m1() / (high - low)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTIONS: [ScalarFunction; 6] = [
        ScalarFunction::Log,
        ScalarFunction::Exp,
        ScalarFunction::Pow(0.5),
        ScalarFunction::Pow(-1.0),
        ScalarFunction::Pow(0.3),
        ScalarFunction::Pow(-1.5),
    ];

    #[test]
    fn divided_differences_are_symmetric_to_the_last_bit() {
        for f in FUNCTIONS {
            for (x, y, z) in [(0.3, 0.30000001, 4.0), (1.0, 1.0, 2.0), (0.7, 0.69, 0.71)] {
                assert_eq!(f.divided1(x, y), f.divided1(y, x));
                assert_eq!(f.divided2(x, y, z), f.divided2(z, x, y));
                assert_eq!(f.divided3(x, y, z, y), f.divided3(y, z, y, x));
            }
        }
    }

    #[test]
    fn confluent_limits() {
        for f in FUNCTIONS {
            let x = 1.7;
            let h = 1e-4;
            let second = (f.derivative(x + h) - f.derivative(x - h)) / (4.0 * h);
            assert!((f.divided1(x, x) / f.derivative(x) - 1.0).abs() < 4.0 * f64::EPSILON);
            // Central differences: error h² f'''/12 and rounding ε/h.
            assert!((f.divided2(x, x, x) / second - 1.0).abs() < 1e-7);
        }
    }

    #[test]
    fn taylor_and_quotient_agree_where_they_meet() {
        for f in FUNCTIONS {
            for spread in [0.099, 0.101] {
                let (a, b, c, d) = (1.0 - spread, 1.0 - 0.6 * spread, 1.0 - 0.3 * spread, 1.0);
                let quotient2 = (f.divided1(b, d) - f.divided1(a, b)) / (d - a);
                assert!((f.divided2(a, b, d) / quotient2 - 1.0).abs() < 200.0 * f64::EPSILON);
                let quotient3 = (f.divided2(b, c, d) - f.divided2(a, b, c)) / (d - a);
                assert!((f.divided3(a, b, c, d) / quotient3 - 1.0).abs() < 2000.0 * f64::EPSILON);
            }
        }
    }
}
