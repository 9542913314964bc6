//! Least squares by products alone: LSMR (Fong and Saunders, SIAM J. Sci. Comput. 33, 2011).

use super::Products;
use crate::Result;
use crate::blocks::norm;

/// When to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    /// ‖r‖ over ‖b‖.
    pub(crate) residual: f64,
    /// ‖Aᵀr‖ over ‖Aᵀb‖.
    pub(crate) gradient: f64,
}

/// ‖Aᵀr‖ over ‖A‖ ‖r‖ at which no more can be gained.
const STATIONARY: f64 = 1e-12;

/// x that minimises ‖A x − b‖, the shortest one, in at most `limit` steps. Returns the steps taken.
pub(crate) fn solve(a: &impl Products, b: &[f64], x: &mut [f64], tolerance: Tolerance, limit: usize) -> Result<usize> {
    x.fill(0.0);
    let mut u = b.to_vec();
    let mut beta = normalise(&mut u);
    let mut v = vec![0.0; x.len()];
    if beta == 0.0 {
        return Ok(0);
    }
    a.transpose_product(&u, &mut v)?;
    let mut alpha = normalise(&mut v);
    let (size, slope) = (beta, alpha * beta);
    let (mut zeta_bar, mut alpha_bar) = (alpha * beta, alpha);
    let (mut rho, mut rho_bar, mut c_bar, mut s_bar) = (1.0_f64, 1.0_f64, 1.0_f64, 0.0_f64);
    let (mut h, mut h_bar) = (v.clone(), vec![0.0; x.len()]);
    // Recurrence for ‖r‖ of the Golub-Kahan least-squares problem.
    let (mut beta_dd, mut beta_d, mut rho_d_old, mut tau_old) = (beta, 0.0_f64, 1.0_f64, 0.0_f64);
    let (mut theta_tilde, mut zeta) = (0.0_f64, 0.0_f64);
    let mut energy = alpha * alpha;
    let (mut w, mut z) = (vec![0.0; b.len()], vec![0.0; x.len()]);
    let mut taken = 0;
    while taken < limit && alpha > 0.0 {
        taken += 1;
        a.product(&v, &mut w)?;
        u.iter_mut().zip(&w).for_each(|(u, w)| *u = w - alpha * *u);
        beta = normalise(&mut u);
        if beta > 0.0 {
            a.transpose_product(&u, &mut z)?;
            v.iter_mut().zip(&z).for_each(|(v, z)| *v = z - beta * *v);
            alpha = normalise(&mut v);
        } else {
            alpha = 0.0;
        }
        energy += beta * beta + alpha * alpha;
        let rho_old = rho;
        rho = alpha_bar.hypot(beta);
        let (c, s) = (alpha_bar / rho, beta / rho);
        let theta = s * alpha;
        alpha_bar = c * alpha;
        let (rho_bar_old, zeta_old) = (rho_bar, zeta);
        let theta_bar = s_bar * rho;
        let rho_temp = c_bar * rho;
        rho_bar = rho_temp.hypot(theta);
        (c_bar, s_bar) = (rho_temp / rho_bar, theta / rho_bar);
        zeta = c_bar * zeta_bar;
        zeta_bar *= -s_bar;
        let (back, forward) = (theta_bar * rho / (rho_old * rho_bar_old), zeta / (rho * rho_bar));
        for i in 0..x.len() {
            h_bar[i] = h[i] - back * h_bar[i];
            x[i] += forward * h_bar[i];
            h[i] = v[i] - theta / rho * h[i];
        }
        let beta_acute = beta_dd;
        let beta_hat = c * beta_acute;
        beta_dd = -s * beta_acute;
        let theta_tilde_old = theta_tilde;
        let rho_tilde_old = rho_d_old.hypot(theta_bar);
        let (c_tilde, s_tilde) = (rho_d_old / rho_tilde_old, theta_bar / rho_tilde_old);
        theta_tilde = s_tilde * rho_bar;
        rho_d_old = c_tilde * rho_bar;
        beta_d = -s_tilde * beta_d + c_tilde * beta_hat;
        tau_old = (zeta_old - theta_tilde_old * tau_old) / rho_tilde_old;
        let tau = (zeta - theta_tilde * tau_old) / rho_d_old;
        let residual = (beta_d - tau).hypot(beta_dd);
        let gradient = zeta_bar.abs();
        let small = residual <= tolerance.residual * size || gradient <= tolerance.gradient * slope;
        if small || gradient <= STATIONARY * energy.sqrt() * residual {
            break;
        }
        if !residual.is_finite() {
            break;
        }
    }
    Ok(taken)
}

fn normalise(x: &mut [f64]) -> f64 {
    let length = norm(x);
    if length > 0.0 {
        x.iter_mut().for_each(|v| *v /= length);
    }
    length
}
