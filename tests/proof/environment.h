/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the proofs take for granted of the C library and of the outside: each
 * contract in this file is an assumption, listed in docs/proof.md.
 */

/* Anything at all. */
/*@ assigns ((char *)p)[0 .. size - 1] \from \nothing;
    ensures \initialized((char *)p + (0 .. size - 1)); */
void any_bytes(void *p, size_t size);
/*@ assigns \result \from \nothing;
    ensures 0 <= \result <= max; */
size_t any_size(size_t max);
/*@ assigns \result \from \nothing; */
uint64_t any_u64(void);
/*@ assigns \result \from \nothing; */
uint16_t any_op(void);
/*@ assigns \result \from \nothing; */
int any_int(void);

/*@ requires readable: \forall integer i; 0 <= i < n ==> \valid_read(s + i);
    assigns \result \from s[0 .. n - 1];
    ensures 0 <= \result <= n;
    ensures \forall integer i; 0 <= i < \result ==> s[i] != 0;
    ensures \result < n ==> s[\result] == 0; */
size_t strnlen(const char *s, size_t n);

/*@ assigns \result \from a[0 ..], b[0 ..], n; */
int strncmp(const char *a, const char *b, size_t n);
/*@ assigns \result \from a[0 ..], b[0 ..]; */
int strcmp(const char *a, const char *b);
