//! Bounded nonlinear systems by affine-scaling trust regions.
