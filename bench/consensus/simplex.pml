/*
 * Simplex/H with nullifications that give up many views (docs/specs/consensus.md), for spin 6.5. Four members, one of
 * them a liar who signs whatever completes a quorum, leads every view and shows each certificate to whom it likes: so
 * two honest signatures make a certificate, and an honest member may act upon any that exists. Two values. Honest
 * members are alike and so are values: states are sorted, and the first value is called 1.
 *
 * Nobody can act upon a FINALIZE or NULLIFY of the last view any more, so there are none.
 *
 * Checked in every state: a value that is finalized in view u is the only one notarized in any view from u on.
 * bench/consensus/check.sh runs it, and broken variants (-DFORGETS ...) that must fail.
 */
#ifndef VIEWS
#define VIEWS 3
#endif
#ifdef LOW_QUORUM
#define ENOUGH 1
#else
#define ENOUGH 2
#endif

/* One member: for each view 2 bits of the value notarized (0 none), 3 bits of p+2 of its NULLIFY (0 none), 1 of FINALIZE. */
int s[3];

#define SHIFT(v) (6 * (v))
#define NOTA(i, v) ((s[i] >> SHIFT(v)) & 3)
#define NULL2(i, v) ((s[i] >> (SHIFT(v) + 2)) & 7)
#define FIN(i, v) ((s[i] >> (SHIFT(v) + 5)) & 1)

#define VALUE1(i) (NOTA(i, 0) == 1 || NOTA(i, 1) == 1 || NOTA(i, 2) == 1)

#define NOTARIZED(v, x) ((NOTA(0, v) == x) + (NOTA(1, v) == x) + (NOTA(2, v) == x) >= ENOUGH)
#define FINALIZED(v) (FIN(0, v) + FIN(1, v) + FIN(2, v) >= ENOUGH)
#ifdef ANY_PARENT
#define COUNTS(i, v, q) (NULL2(i, v) > 0)
#else
#define COUNTS(i, v, q) (NULL2(i, v) > 0 && NULL2(i, v) <= (q) + 1)
#endif
/* q = P+1, so that 0 stands for "no notarization". */
#define NULLIFIED(v, q) (COUNTS(0, v, q) + COUNTS(1, v, q) + COUNTS(2, v, q) >= ENOUGH)

/* Whether a chain lets x be proposed in view v. */
inline justify(v, x) {
  ok = (v == 0);
  q = 0;
  do
  :: q <= v && v > 0 ->
#ifdef NO_REPROPOSE
     ok = ok || ((q == 0 || NOTARIZED(q - 1, 1) || NOTARIZED(q - 1, 2)) && (q == v || NULLIFIED(v - 1, q)));
#else
     ok = ok || ((q == 0 || NOTARIZED(q - 1, x)) && (q == v || NULLIFIED(v - 1, q)));
#endif
     q++
  :: else -> break
  od
}

inline sort() {
  if :: s[0] > s[1] -> t = s[0]; s[0] = s[1]; s[1] = t :: else fi;
  if :: s[1] > s[2] -> t = s[1]; s[1] = s[2]; s[2] = t :: else fi;
  if :: s[0] > s[1] -> t = s[0]; s[0] = s[1]; s[1] = t :: else fi;
  t = 0
}

inline check() {
  u = 0;
  do
  :: u < VIEWS ->
     if
     :: FINALIZED(u) ->
        w = u;
        do
        :: w < VIEWS ->
           assert(!(NOTARIZED(u, 1) && NOTARIZED(w, 2)));
           assert(!(NOTARIZED(u, 2) && NOTARIZED(w, 1)));
           w++
        :: else -> break
        od
     :: else
     fi;
     u++
  :: else -> break
  od;
  u = 0; w = 0
}

active proctype world() {
  byte i, v, x, p, q, u, w;
  bool ok;
  int t;
  do
  :: atomic {
       i = 0; do :: i < 2 -> i++ :: break od;
       v = 0; do :: v < VIEWS - 1 -> v++ :: break od;
       if
       :: NOTA(i, v) == 0 -> /* R2: once per view, with a valid chain; also after its own NULLIFY */
          if :: x = 1 :: VALUE1(0) || VALUE1(1) || VALUE1(2) -> x = 2 fi; skip;
          d_step {
            justify(v, x);
#ifdef NO_JUSTIFICATION
            ok = true;
#endif
            if :: ok -> s[i] = s[i] | (x << SHIFT(v)) :: else fi
          }
       :: v < VIEWS - 1 && FIN(i, v) == 0 && (NOTARIZED(v, 1) || NOTARIZED(v, 2)) -> /* R3: unless it gave the view up */
          d_step {
            ok = true; w = v;
            do
            :: w < VIEWS ->
#if defined(FINALIZE_AFTER_NULLIFY)
               skip;
#elif defined(FORGETS)
               ok = ok && !(w == v && NULL2(i, w) > 0);
#else
               ok = ok && !(NULL2(i, w) > 0 && NULL2(i, w) < v + 2);
#endif
               w++
            :: else -> break
            od;
            if :: ok -> s[i] = s[i] | (1 << (SHIFT(v) + 5)) :: else fi
          }
       :: v < VIEWS - 1 && NULL2(i, v) == 0 -> /* R4: behind any notarization it may know of; it knows those it finalized */
          p = 0; do :: p < v -> p++ :: break od; skip;
          d_step {
            /* It is in view v. */
            justify(v, 1);
            if :: !ok -> justify(v, 2) :: else fi;
            ok = ok && (p == 0 || NOTARIZED(p - 1, 1) || NOTARIZED(p - 1, 2)); w = p;
            do
            :: w <= v ->
#ifdef GIVES_UP_TOO_MUCH
               ok = ok && !(w == v && FIN(i, w));
#else
               ok = ok && !FIN(i, w);
#endif
               w++
            :: else -> break
            od;
            if :: ok -> s[i] = s[i] | ((p + 1) << (SHIFT(v) + 2)) :: else fi
          }
       :: else
       fi;
       skip;
       d_step { sort(); check(); i = 0; v = 0; x = 0; p = 0; q = 0; ok = false }
     }
  od
}
