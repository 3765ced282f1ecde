/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* true(1), to be linked statically: no library is loaded in what is measured. */
int main(void) {
	return 0;
}
