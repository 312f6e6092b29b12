#include "study/mixture.h"

#include <math.h>

#include "data/plane.h"

/* The components' shares of the density at x, which sum to 1; returns its logarithm. */
static double shares(const double x[2], double sigma, double share[PLANE_COMPONENTS])
{
    const double pi = 3.14159265358979323846;
    double most = -INFINITY, sum = 0;
    for (int k = 0; k < PLANE_COMPONENTS; ++k) {
        const struct plane_component *c = &plane_mixture[k];
        const double variance = c->sigma * c->sigma + sigma * sigma;
        const double square = pow(x[0] - c->mean[0], 2) + pow(x[1] - c->mean[1], 2);
        share[k] = log(c->weight / (2 * pi * variance)) - square / (2 * variance);
        most = fmax(most, share[k]);
    }
    for (int k = 0; k < PLANE_COMPONENTS; ++k)
        sum += share[k] = exp(share[k] - most);
    for (int k = 0; k < PLANE_COMPONENTS; ++k)
        share[k] /= sum;
    return most + log(sum);
}

double mixture_log_density(const double x[2], double sigma)
{
    double share[PLANE_COMPONENTS];
    return shares(x, sigma, share);
}

void mixture_score(const double x[2], double sigma, double score[2])
{
    double share[PLANE_COMPONENTS];
    shares(x, sigma, share);
    score[0] = score[1] = 0;
    for (int k = 0; k < PLANE_COMPONENTS; ++k)
        for (int a = 0; a < 2; ++a)
            score[a] += share[k] * (plane_mixture[k].mean[a] - x[a]) /
                        (plane_mixture[k].sigma * plane_mixture[k].sigma + sigma * sigma);
}

void mixture_restored(const double x[2], double sigma, double restored[2])
{
    double share[PLANE_COMPONENTS];
    shares(x, sigma, share);
    restored[0] = restored[1] = 0;
    for (int k = 0; k < PLANE_COMPONENTS; ++k) {
        const struct plane_component *c = &plane_mixture[k];
        const double precision = 1 / (c->sigma * c->sigma), noise = 1 / (sigma * sigma);
        for (int a = 0; a < 2; ++a)
            restored[a] += share[k] * (precision * c->mean[a] + noise * x[a]) / (precision + noise);
    }
}
