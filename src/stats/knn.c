#include "stats/knn.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include <cblas.h>

enum { BLOCK = 256 }; /* asked samples whose distances are in memory at a time */

struct search {
    const struct cross_validation *trial;
    int k;
    double *given, *asked; /* (n,d): in double, because squares of floats far from zero would lose the digits that
                            * distinguish them */
    double *half_square;   /* (n) of given: |x|^2 / 2 */
    double *nearness;      /* (BLOCK,n): asked x given' */
    bool *right;           /* (n) */
};

static void widen(const struct search *s)
{
    const int64_t n = s->trial->n, d = s->trial->d;
    for (int64_t i = 0; i < n * d; ++i) {
        s->given[i] = (double)s->trial->given[i];
        s->asked[i] = (double)s->trial->asked[i];
    }
    for (int64_t i = 0; i < n; ++i)
        s->half_square[i] = cblas_ddot((int)d, s->given + i * d, 1, s->given + i * d, 1) / 2;
}

/* The vote of the k given samples of other folds that are nearest to asked sample i. Half the squared distance, minus
 * half the asked sample's own square, is half_square - nearness. */
static uint8_t vote(const struct search *s, int64_t i, const double *nearness /* (n) */)
{
    const struct cross_validation *t = s->trial;
    double distance[KNN_MAX_K];
    int64_t neighbour[KNN_MAX_K];
    int found = 0;
    for (int64_t j = 0; j < t->n; ++j) {
        const double far = s->half_square[j] - nearness[j];
        if (t->fold[j] == t->fold[i] || (found == s->k && !(far < distance[found - 1])))
            continue;
        int place = found < s->k ? found++ : found - 1;
        for (; place > 0 && far < distance[place - 1]; --place) {
            distance[place] = distance[place - 1];
            neighbour[place] = neighbour[place - 1];
        }
        distance[place] = far;
        neighbour[place] = j;
    }
    int votes[UCHAR_MAX + 1] = {0}, best = 0;
    for (int m = 0; m < found; ++m)
        ++votes[t->label[neighbour[m]]];
    for (int label = 1; label <= UCHAR_MAX; ++label)
        if (votes[label] > votes[best])
            best = label;
    return (uint8_t)best;
}

static void search_all(const struct search *s)
{
    const struct cross_validation *t = s->trial;
    widen(s);
    for (int64_t first = 0; first < t->n; first += BLOCK) {
        const int64_t rows = t->n - first < BLOCK ? t->n - first : BLOCK;
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)t->n, (int)t->d, 1,
                    s->asked + first * t->d, (int)t->d, s->given, (int)t->d, 0, s->nearness, (int)t->n);
        for (int64_t r = 0; r < rows; ++r)
            s->right[first + r] = vote(s, first + r, s->nearness + r * t->n) == t->label[first + r];
    }
}

static enum dae_status check(const struct cross_validation *t, int k, struct error *err)
{
    int64_t in_fold[CROSS_VALIDATION_MAX_FOLDS] = {0};
    if (t->n > INT_MAX || t->d > INT_MAX || t->d < 1)
        return error_set(err, DAE_CONFIG, "nearest neighbours: %lld samples of %lld features are too many",
                         (long long)t->n, (long long)t->d);
    for (int64_t i = 0; i < t->n; ++i)
        ++in_fold[t->fold[i]];
    for (int f = 0; f < t->n_folds; ++f)
        if (k < 1 || k > KNN_MAX_K || t->n - in_fold[f] < k || in_fold[f] == 0)
            return error_set(err, DAE_CONFIG,
                             "nearest neighbours: k is %d, but must be 1 to %d; of %lld samples, fold %d leaves %lld",
                             k, (int)KNN_MAX_K, (long long)t->n, f, (long long)(t->n - in_fold[f]));
    return cross_validation_check(t, "nearest neighbours", err);
}

enum dae_status knn_accuracy(const struct cross_validation *trial, int k, double *accuracy, struct error *err)
{
    TRY(check(trial, k, err));
    const size_t n = (size_t)trial->n, numbers = n * (size_t)trial->d;
    struct search s = {.trial = trial, .k = k};
    enum dae_status status = DAE_OK;
    s.given = calloc(numbers, sizeof *s.given);
    s.asked = calloc(numbers, sizeof *s.asked);
    s.half_square = calloc(n, sizeof *s.half_square);
    s.nearness = calloc(n * BLOCK, sizeof *s.nearness);
    s.right = calloc(n, sizeof *s.right);
    if (s.given && s.asked && s.half_square && s.nearness && s.right) {
        search_all(&s);
        *accuracy = cross_validation_accuracy(trial, s.right);
    } else {
        status = error_no_memory(err, "nearest neighbours", (2 * numbers + n * BLOCK) * sizeof(double));
    }
    free(s.given);
    free(s.asked);
    free(s.half_square);
    free(s.nearness);
    free(s.right);
    return status;
}
