/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The smallest PNG writer: 8-bit RGB, uncompressed deflate blocks, so that the
 * example needs no other library. RFC 2083, RFC 1950, RFC 1951.
 */
#ifndef EXAMPLES_PNG_H
#define EXAMPLES_PNG_H

#include <stdint.h>
#include <stdio.h>

struct png {
	FILE *out;
	uint32_t crc;
	uint32_t adler_a, adler_b;
};

static void png_bytes(struct png *png, const uint8_t *bytes, size_t count) {
	size_t i;
	int bit;

	for (i = 0; i < count; i++) {
		png->crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			png->crc = png->crc >> 1 ^ (png->crc & 1 ? 0xedb88320u : 0);
	}
	fwrite(bytes, 1, count, png->out);
}

static void png_u32(struct png *png, uint32_t n) {
	const uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
		                   (uint8_t)n };

	png_bytes(png, bytes, 4);
}

static void png_chunk(struct png *png, const char *type, uint32_t length) {
	png_u32(png, length);
	png->crc = ~0u;
	png_bytes(png, (const uint8_t *)type, 4);
}

static void png_adler(struct png *png, const uint8_t *bytes, size_t count) {
	size_t i;

	for (i = 0; i < count; i++) {
		png->adler_a = (png->adler_a + bytes[i]) % 65521u;
		png->adler_b = (png->adler_b + png->adler_a) % 65521u;
	}
}

/* One row is one stored block: filter type 0, then the pixels. width: at most 21844. */
static void png_row(struct png *png, const uint8_t *row, uint32_t width, int last) {
	const uint32_t n = width * 3 + 1;
	const uint8_t head[5] = { last ? 1 : 0, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n,
		                  (uint8_t)(~n >> 8) };
	const uint8_t none = 0;

	png_bytes(png, head, 5);
	png_bytes(png, &none, 1);
	png_bytes(png, row, width * 3);
	png_adler(png, &none, 1);
	png_adler(png, row, width * 3);
}

/* 0, or -1 with errno set. */
static int png_write(const char *path, const uint8_t *rgb, uint32_t width, uint32_t height) {
	struct png png = { .out = fopen(path, "wb"), .adler_a = 1 };
	uint32_t y;
	int failed;

	if (!png.out)
		return -1;
	fwrite("\x89PNG\r\n\x1a\n", 1, 8, png.out);
	png_chunk(&png, "IHDR", 13);
	png_u32(&png, width);
	png_u32(&png, height);
	png_bytes(&png, (const uint8_t[]){ 8, 2, 0, 0, 0 }, 5);
	png_u32(&png, ~png.crc);
	png_chunk(&png, "IDAT", 2 + height * (width * 3 + 6) + 4);
	png_bytes(&png, (const uint8_t[]){ 0x78, 0x01 }, 2);
	for (y = 0; y < height; y++)
		png_row(&png, rgb + (size_t)y * width * 3, width, y + 1 == height);
	png_u32(&png, png.adler_b << 16 | png.adler_a);
	png_u32(&png, ~png.crc);
	png_chunk(&png, "IEND", 0);
	png_u32(&png, ~png.crc);
	failed = ferror(png.out);
	return fclose(png.out) != 0 || failed ? -1 : 0;
}

#endif
