/* Formulas for points drawn from the mixture of data/plane.h with added Gaussian noise of standard deviation sigma.
 * Their density is a smoothed mixture, so its score and the best possible restoration are known. */
#ifndef STUDY_MIXTURE_H
#define STUDY_MIXTURE_H

/* log p_sigma(x), p_sigma the density of the mixture convolved with N(0, sigma^2 I). */
double mixture_log_density(const double x[2], double sigma);

/* The score grad log p_sigma(x). */
void mixture_score(const double x[2], double sigma, double score[2]);

/* The mean of the clean point given the noisy x, by Bayes' rule from the components' posterior means; a denoising
 * autoencoder with squared error tends to it. It is x + sigma^2 score (Robbins 1956, Miyasawa 1961, "Tweedie's
 * formula"; Alain & Bengio 2014, theorem 1, in the limit of small sigma). */
void mixture_restored(const double x[2], double sigma, double restored[2]);

#endif
