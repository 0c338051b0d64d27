/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_CHECKED_H
#define LIBIMG_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* Sums and products of numbers that an image claims.  *out is set only when the result fits. */
static inline bool add_fits(uint64_t a, uint64_t b, uint64_t *out)
{
	if (a > UINT64_MAX - b)
		return false;
	*out = a + b;
	return true;
}

static inline bool mul_fits(uint64_t a, uint64_t b, uint64_t *out)
{
	if (b && a > UINT64_MAX / b)
		return false;
	*out = a * b;
	return true;
}

/* Whether `len` bytes at `off` lie inside something `size` bytes long. */
static inline bool range_fits(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static inline bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* `n` rounded up to a multiple of `unit`; the caller knows that the result fits. */
static inline uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static inline uint64_t div_up(uint64_t n, uint64_t unit)
{
	return n / unit + (n % unit != 0);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
