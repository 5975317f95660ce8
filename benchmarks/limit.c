/* What two nested loops in C reach: the same arithmetic as the rule and the problem say, runs as lanes of
 * vectors, the state of LANES runs in a cache. PROBLEM, RULE, DIM and LANES are set when it is compiled.
 *
 * Built without -ffast-math: values that are not finite stay what they are. */
#include <math.h>

#define QUADRATIC 1
#define ROSENBROCK 2
#define ADAM 1
#define RMSPROP 2
#define MOMENTUM 3
#define each(i) for (int i = 0; i < LANES; i++)

static void gradient(double x[DIM][LANES], double g[DIM][LANES], const double *data) {
#if PROBLEM == QUADRATIC
  for (int d = 0; d < DIM; d++) each(i) g[d][i] = data[d] * (x[d][i] - data[DIM + d]);
#else
  each(i) g[0][i] = 0;
  for (int d = 0; d + 1 < DIM; d++)
    each(i) {
      double bend = x[d + 1][i] - x[d][i] * x[d][i];
      g[d][i] += -400 * bend * x[d][i] - 2 * (1 - x[d][i]);
      g[d + 1][i] = 200 * bend;
    }
#endif
}

static void loss(double x[DIM][LANES], double *out, const double *data) {
  each(i) out[i] = 0;
#if PROBLEM == QUADRATIC
  for (int d = 0; d < DIM; d++)
    each(i) out[i] += 0.5 * data[d] * (x[d][i] - data[DIM + d]) * (x[d][i] - data[DIM + d]);
#else
  for (int d = 0; d + 1 < DIM; d++)
    each(i) {
      double bend = x[d + 1][i] - x[d][i] * x[d][i];
      out[i] += 100 * bend * bend + (1 - x[d][i]) * (1 - x[d][i]);
    }
#endif
}

/* `runs` is a multiple of LANES; starts (DIM, runs), hypers (4, runs), losses (points + 1, runs). */
void work(int from, int to, int runs, int points, int every, const double *starts, const double *hypers,
          const double *data, double *losses) {
  double x[DIM][LANES], m[DIM][LANES], v[DIM][LANES], g[DIM][LANES];
  for (int r = from; r < to; r += LANES) {
    const double *lr = hypers + r, *a = lr + runs, *b = a + runs, *eps = b + runs;
    double pa[LANES], pb[LANES];
    each(i) pa[i] = pb[i] = 1;
    for (int d = 0; d < DIM; d++)
      each(i) x[d][i] = starts[d * runs + r + i], m[d][i] = v[d][i] = 0;
    loss(x, losses + r, data);
    for (int p = 1; p <= points; p++) {
      for (int t = 0; t < every; t++) {
        gradient(x, g, data);
#if RULE == ADAM
        double ca[LANES], cb[LANES];
        each(i) pa[i] *= a[i], pb[i] *= b[i], ca[i] = 1 / (1 - pa[i]), cb[i] = 1 / (1 - pb[i]);
        for (int d = 0; d < DIM; d++)
          each(i) {
            m[d][i] = a[i] * m[d][i] + (1 - a[i]) * g[d][i];
            v[d][i] = b[i] * v[d][i] + (1 - b[i]) * g[d][i] * g[d][i];
            x[d][i] -= lr[i] * (m[d][i] * ca[i]) / (sqrt(v[d][i] * cb[i]) + eps[i]);
          }
#elif RULE == RMSPROP
        for (int d = 0; d < DIM; d++)
          each(i) {
            v[d][i] = a[i] * v[d][i] + (1 - a[i]) * g[d][i] * g[d][i];
            x[d][i] -= lr[i] * g[d][i] / sqrt(v[d][i] + eps[i]);
          }
#else
        for (int d = 0; d < DIM; d++)
          each(i) {
            m[d][i] = a[i] * m[d][i] + g[d][i];
            x[d][i] -= lr[i] * m[d][i];
          }
#endif
      }
      loss(x, losses + p * runs + r, data);
    }
  }
}
