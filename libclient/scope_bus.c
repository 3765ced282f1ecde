/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus messages, as far as asking systemd for one thing needs them. */
#include <string.h>

#include "scope.h"

enum header_field {
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_ERROR = 4,
	FIELD_REPLY = 5,
	FIELD_DESTINATION = 6,
	FIELD_SIGNATURE = 8,
};

/* ------------------------------------------------------------------ writing */

static void put(struct bus_message *m, const void *bytes, size_t n) {
	if (n > sizeof(m->bytes) - m->n) {
		m->full = true;
		return;
	}
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

void bus_align(struct bus_message *m, size_t to) {
	while (m->n % to && !m->full)
		put(m, "", 1);
}

static void encode(unsigned char *to, uint64_t value, size_t n) {
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

void bus_u32(struct bus_message *m, uint32_t value) {
	unsigned char bytes[4];

	bus_align(m, 4);
	encode(bytes, value, sizeof(bytes));
	put(m, bytes, sizeof(bytes));
}

void bus_u64(struct bus_message *m, uint64_t value) {
	unsigned char bytes[8];

	bus_align(m, 8);
	encode(bytes, value, sizeof(bytes));
	put(m, bytes, sizeof(bytes));
}

void bus_string(struct bus_message *m, const char *text) {
	bus_u32(m, (uint32_t)strlen(text));
	put(m, text, strlen(text) + 1);
}

void bus_signature(struct bus_message *m, const char *text) {
	unsigned char n = (unsigned char)strlen(text);

	put(m, &n, 1);
	put(m, text, (size_t)n + 1);
}

size_t bus_array(struct bus_message *m, size_t align) {
	size_t at;

	bus_u32(m, 0);
	at = m->n - 4;
	bus_align(m, align);
	return at;
}

void bus_array_end(struct bus_message *m, size_t at, size_t align) {
	size_t start = at + 4;

	start += (align - start % align) % align;
	if (!m->full)
		encode(m->bytes + at, m->n - start, 4);
}

static void field(struct bus_message *m, enum header_field code, char type, const char *text) {
	const char signature[2] = { type, '\0' };
	unsigned char byte = (unsigned char)code;

	bus_align(m, 8);
	put(m, &byte, 1);
	bus_signature(m, signature);
	if (type == 'g')
		bus_signature(m, text);
	else
		bus_string(m, text);
}

void bus_call(struct bus_message *m, uint32_t serial, const char *const where[4],
              const char *signature, const struct bus_message *body) {
	static const unsigned char start[4] = { 'l', 1, 0, 1 }; /* a call; protocol version 1 */
	size_t at;

	m->n = 0;
	m->full = body && body->full;
	put(m, start, sizeof(start));
	bus_u32(m, body ? (uint32_t)body->n : 0);
	bus_u32(m, serial);
	at = bus_array(m, 8);
	field(m, FIELD_DESTINATION, 's', where[0]);
	field(m, FIELD_PATH, 'o', where[1]);
	field(m, FIELD_INTERFACE, 's', where[2]);
	field(m, FIELD_MEMBER, 's', where[3]);
	if (body)
		field(m, FIELD_SIGNATURE, 'g', signature);
	bus_array_end(m, at, 8);
	bus_align(m, 8);
	if (body)
		put(m, body->bytes, body->n);
}

/* ------------------------------------------------------------------ reading */

struct reader {
	const unsigned char *bytes;
	size_t n, at;
	bool bad;
};

static uint32_t decode(const unsigned char *from) {
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
	       (uint32_t)from[3] << 24;
}

static void align(struct reader *r, size_t to) {
	size_t pad = (to - r->at % to) % to;

	if (pad > r->n - r->at)
		r->bad = true;
	else
		r->at += pad;
}

static uint32_t get_u32(struct reader *r) {
	align(r, 4);
	if (r->bad || r->n - r->at < 4) {
		r->bad = true;
		return 0;
	}
	r->at += 4;
	return decode(r->bytes + r->at - 4);
}

/* size bytes and the NUL after them. */
static const char *get_text(struct reader *r, size_t size) {
	const char *text = (const char *)r->bytes + r->at;

	if (r->bad || size >= r->n - r->at || text[size] != '\0') {
		r->bad = true;
		return "";
	}
	r->at += size + 1;
	return text;
}

static const char *get_signature(struct reader *r) {
	if (r->bad || r->at >= r->n) {
		r->bad = true;
		return "";
	}
	r->at++;
	return get_text(r, r->bytes[r->at - 1]);
}

static void get_field(struct reader *r, struct bus_reply *reply) {
	const char *signature, *text = "";
	unsigned char code;
	uint32_t value = 0;

	align(r, 8);
	if (r->bad || r->at >= r->n) {
		r->bad = true;
		return;
	}
	code = r->bytes[r->at++];
	signature = get_signature(r);
	if (!strcmp(signature, "s") || !strcmp(signature, "o"))
		text = get_text(r, get_u32(r));
	else if (!strcmp(signature, "g"))
		text = get_signature(r);
	else if (!strcmp(signature, "u"))
		value = get_u32(r);
	else
		r->bad = true; /* no field of the header has another type */
	if (code == FIELD_MEMBER)
		reply->member = text;
	if (code == FIELD_ERROR)
		reply->error = text;
	if (code == FIELD_SIGNATURE)
		reply->signature = text;
	if (code == FIELD_REPLY)
		reply->reply_to = value;
}

size_t bus_length(const unsigned char head[16]) {
	uint64_t body = decode(head + 4), fields = decode(head + 12), all;

	all = 16 + (fields + 7) / 8 * 8 + body;
	return head[0] != 'l' || head[3] != 1 || all > SCOPE_MESSAGE_MAX ? 0 : (size_t)all;
}

bool bus_parse(const unsigned char *bytes, size_t size, struct bus_reply *reply) {
	struct reader r = { .bytes = bytes, .n = size, .at = 16 };
	size_t end;

	*reply = (struct bus_reply){ .type = bytes[1], .member = "", .error = "", .signature = "" };
	if (size < 16 || bus_length(bytes) != size)
		return false;
	end = 16 + (size_t)decode(bytes + 12);
	r.n = end;
	while (r.at < end && !r.bad)
		get_field(&r, reply);
	reply->size = decode(bytes + 4);
	reply->body = bytes + size - reply->size;
	return !r.bad;
}

const char *bus_body_string(const struct bus_reply *reply, size_t nth) {
	struct reader r = { .bytes = reply->body, .n = reply->size };

	for (const char *c = reply->signature; *c && !r.bad; c++) {
		if (*c == 'u') {
			get_u32(&r);
		} else if (*c == 's' || *c == 'o') {
			const char *text = get_text(&r, get_u32(&r));

			if (nth-- == 0)
				return r.bad ? NULL : text;
		} else {
			break;
		}
	}
	return NULL;
}
