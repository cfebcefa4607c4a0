/**
 * The transforms of F(4, 3) along one line with the points 0, ±a, ±b and infinity, a = 3/4, b = 3/2: those of
 * `wasm/assembly/winograd-lines.ts`, which says why. Each takes and gives the vectors of one line.
 */
#pragma once

#include "vectors.h"

namespace annulus {

namespace points {
constexpr float a = 0.75f, b = 1.5f;
/** Squares of the points, their sum and product, and the points' Lagrange denominators. */
constexpr float a2 = a * a, b2 = b * b;
constexpr float sum = a2 + b2, product = a2 * b2;
constexpr float overA = 1 / (2 * a2 * (a2 - b2)), overB = 1 / (2 * b2 * (b2 - a2));
}  // namespace points

template <int n, int count>
using Line = Floats<n>[count];

/** Bᵀ: six values of the input → six. */
template <int n>
ANNULUS_INLINE void inputLine(const Line<n, 6>& d, Line<n, 6>& v) {
  using namespace points;
  const Floats<n> evenA = d[4] - d[2] * b2, oddA = (d[3] - d[1] * b2) * a;
  const Floats<n> evenB = d[4] - d[2] * a2, oddB = (d[3] - d[1] * a2) * b;
  v[0] = d[4] + d[0] * product - d[2] * sum;
  v[1] = evenA + oddA;
  v[2] = evenA - oddA;
  v[3] = evenB + oddB;
  v[4] = evenB - oddB;
  v[5] = d[5] + d[1] * product - d[3] * sum;
}

/** Aᵀ: six products → four outputs. */
template <int n>
ANNULUS_INLINE void outputLine(const Line<n, 6>& m, Line<n, 4>& y) {
  using namespace points;
  const Floats<n> evenA = m[1] + m[2], oddA = (m[1] - m[2]) * a;
  const Floats<n> evenB = m[3] + m[4], oddB = (m[3] - m[4]) * b;
  y[0] = m[0] + (evenA + evenB);
  y[1] = oddA + oddB;
  y[2] = evenA * a2 + evenB * b2;
  y[3] = m[5] + oddA * a2 + oddB * b2;
}

/** A: four gradients of outputs → six. */
template <int n>
ANNULUS_INLINE void gradientLine(const Line<n, 4>& y, Line<n, 6>& m) {
  using namespace points;
  const Floats<n> evenA = y[0] + y[2] * a2, oddA = (y[1] + y[3] * a2) * a;
  const Floats<n> evenB = y[0] + y[2] * b2, oddB = (y[1] + y[3] * b2) * b;
  m[0] = y[0];
  m[1] = evenA + oddA;
  m[2] = evenA - oddA;
  m[3] = evenB + oddB;
  m[4] = evenB - oddB;
  m[5] = y[3];
}

/** G: three weights → six. */
template <int n>
ANNULUS_INLINE void filterLine(const Line<n, 3>& g, Line<n, 6>& u) {
  using namespace points;
  const Floats<n> evenA = (g[0] + g[2] * a2) * overA, oddA = g[1] * (a * overA);
  const Floats<n> evenB = (g[0] + g[2] * b2) * overB, oddB = g[1] * (b * overB);
  u[0] = g[0] * (1 / product);
  u[1] = evenA + oddA;
  u[2] = evenA - oddA;
  u[3] = evenB + oddB;
  u[4] = evenB - oddB;
  u[5] = g[2];
}

/** Gᵀ: six sums → the gradients of three weights. */
template <int n>
ANNULUS_INLINE void sumLine(const Line<n, 6>& s, Line<n, 3>& g) {
  using namespace points;
  const Floats<n> evenA = (s[1] + s[2]) * overA, evenB = (s[3] + s[4]) * overB;
  g[0] = s[0] * (1 / product) + (evenA + evenB);
  g[1] = (s[1] - s[2]) * (a * overA) + (s[3] - s[4]) * (b * overB);
  g[2] = s[5] + evenA * a2 + evenB * b2;
}

/**
 * Transforms the rows of a tile, then its columns: `line` makes `to` vectors of `from`. `read(y, x)` gives the tile's
 * vectors, `write(y, x, value)` takes the result's.
 */
template <int n, int from, int to, class Read, class Transform, class Write>
ANNULUS_INLINE void bothAxes(Read read, Transform line, Write write) {
  Line<n, from> columns[to];
#pragma GCC unroll 6
  for (int y = 0; y < from; y++) {
    Line<n, from> row;
    Line<n, to> result;
#pragma GCC unroll 6
    for (int x = 0; x < from; x++) row[x] = read(y, x);
    line(row, result);
#pragma GCC unroll 6
    for (int x = 0; x < to; x++) columns[x][y] = result[x];
  }
#pragma GCC unroll 6
  for (int x = 0; x < to; x++) {
    Line<n, to> result;
    line(columns[x], result);
#pragma GCC unroll 6
    for (int y = 0; y < to; y++) write(y, x, result[y]);
  }
}

}  // namespace annulus
