/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One direction of a channel: ring, releases, wake-up, the end (docs/protocol/
 * channel.md). Each statement is one access to shared memory or one system call;
 * libclient/ring.c makes those that matter sequentially consistent.
 *
 * Without a switch both sides are honest and live, and a futex sleeps until it
 * is woken: a lost wake-up is a side that never comes to its end, and nothing may
 * be overwritten, doubled or lost.
 *   -DCRASH    either side dies at any point; the other must come to its end.
 *   -DHOSTILE  the sender writes what it likes; the receiver must not be misled.
 *   -DMUTANT=n one step is left out; tests/model/run requires that it is noticed.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef TENSORS
#define TENSORS 3
#endif
#ifndef MUTANT
#define MUTANT 0
#endif

/*
 * A sleep on a futex is limited in time, and so often in all; then it is the
 * bell's turn. Where nobody dies the limit is not needed but for the end, which
 * does not change the futex's word, and is therefore granted for that alone.
 */
#if defined(CRASH) || defined(HOSTILE)
#define RUNS_OUT(other_closed) true
#define PATIENCE 1
#else
#define RUNS_OUT(other_closed) other_closed
#define PATIENCE 100
#endif

#define AT(n) ((n) % SLOTS)
#define LAST_LAP(n) ((n) >= SLOTS -> (n) + 1 - SLOTS : 0)
#define NONE 0
#define BELL 1
#define FUTEX 2

/* The sender's page. */
byte seq[SLOTS], tensor[SLOTS];
byte room_wait, room_how;
bool sender_closed;
/* The receiver's page. */
byte released[SLOTS];
byte data_wait, data_how;
bool receiver_closed;
/* The kernel: bells that are pending, who sleeps on a futex, whose socket is closed. */
bool receiver_bell, sender_bell;
byte receiver_sleeps, sender_sleeps; /* for this number; 0: not */
bool sender_dead, receiver_dead;
/* For assertions only. */
byte got, freed;
bool poisoned, sender_done, receiver_done;

/* Each word and how it is meant are one word in memory: written and read in one step. */
inline wake_receiver(n) {
	atomic { word = data_wait; how = data_how }
	if
	:: how == FUTEX && word != rung ->
		atomic { /* somebody slept for this number, or the wake-up was for nobody */
			if
			:: receiver_sleeps == n -> receiver_sleeps = 0; rung = word
#if MUTANT == 3
			:: else -> rung = word
#else
			:: else
#endif
			fi
		}
	:: how == BELL && word != rung -> rung = word; receiver_bell = true
	:: else
	fi
}

inline wake_sender(n) {
	atomic { word = room_wait; how = room_how }
	if
	:: how == FUTEX && word != rung ->
		atomic {
			if
			:: sender_sleeps == n -> sender_sleeps = 0; rung = word
			:: else
			fi
		}
	:: how == BELL && word != rung -> rung = word; sender_bell = true
	:: else
	fi
}

/* ----------------------------------------------------------------------- sender */

inline reclaim() {
	do
	:: reclaimed < sent && released[AT(reclaimed)] == reclaimed + 1 -> reclaimed++
	:: else -> break
	od
}

proctype sender() {
	byte sent, reclaimed, arms, rung, word, how, mode, patience = PATIENCE;

	{
	do
	:: sent == TENSORS -> break
	:: else ->
		reclaim();
		if
		:: sent - reclaimed < SLOTS ->
			tensor[AT(sent)] = sent;
			seq[AT(sent)] = sent + 1;
			sent++;
			wake_receiver(sent)
		:: else -> /* no room: wait for a release */
			if :: patience > 0 -> mode = FUTEX :: mode = BELL fi;
			arms++;
			atomic { room_wait = arms; room_how = mode }
			if
			:: receiver_closed || receiver_dead -> break
			:: else
			fi;
#if MUTANT != 1
			reclaim();
#endif
			if
			:: sent - reclaimed < SLOTS -> atomic { room_how = NONE }
			:: else ->
				if
				:: mode == FUTEX ->
					/* The kernel compares and sleeps in one step. */
					atomic {
						if
						:: released[AT(reclaimed)] != reclaimed + 1 ->
							sender_sleeps = reclaimed + 1
						:: else
						fi
					}
end_sender_futex:
					if
					:: sender_sleeps == 0
					:: RUNS_OUT(receiver_closed) ->
						atomic { sender_sleeps = 0; patience-- }
					fi
				:: else ->
end_sender_bell:
					if
					:: sender_bell -> sender_bell = false
					:: receiver_dead -> break
					fi
				fi
			fi
		fi
	od;
	sender_closed = true;
	receiver_bell = true;
	receiver_sleeps = 0;
	sender_done = true
	}
#ifdef CRASH
	unless { sender_dead }
#endif
}

/* It writes every word that is its own to anything, rings, wakes, and ends or not. */
proctype hostile() {
	byte n;

end_hostile:
	do
	:: n < 5 ->
		n++;
		if
		:: seq[0] = 1 :: seq[0] = 2 :: seq[0] = 0 :: seq[0] = 255
		:: seq[1] = 2 :: seq[1] = 4 :: seq[1] = 0
		:: tensor[0] = 7
		:: room_how = FUTEX :: room_wait = room_wait + 1
		:: sender_closed = true :: sender_closed = false
		:: receiver_bell = true
		:: receiver_sleeps = 0
		:: sender_dead = true; break
		fi
	:: break
	od
}

/* --------------------------------------------------------------------- receiver */

/* has: 0 nothing yet, 1 something, 2 neither. */
inline look() {
	number = seq[AT(taken)];
	if
	:: number == taken + 1 -> has = 1
	:: number == LAST_LAP(taken) -> has = 0
	:: else -> has = 2
	fi
}

inline take() {
#ifndef HOSTILE
	assert(tensor[AT(taken)] == taken); /* not overwritten, none lost */
#endif
	taken++;
	got = taken;
	assert(taken - given <= SLOTS);
	/* Given back at once, or later: at the latest when all leases are held. */
	if
	:: true -> give_back()
	:: taken - given < SLOTS
	fi
}

inline give_back() {
	do
	:: given < taken ->
		given++;
		freed = given;
		released[AT(given - 1)] = given;
		wake_sender(given)
	:: else -> break
	od
}

proctype receiver() {
	byte taken, given, arms, rung, word, how, number, has, mode, patience = PATIENCE;
	bool gone;

	{
	do
	:: true ->
		look();
		if
		:: has == 1 -> take()
		:: has == 2 -> poisoned = true; break
		:: else ->
			give_back(); /* who waits holds nothing, or it could wait for itself */
			if :: patience > 0 -> mode = FUTEX :: mode = BELL fi;
			arms++;
			atomic { data_wait = arms; data_how = mode }
			gone = sender_closed || sender_dead;
#if MUTANT == 2
			has = 0;
#else
			look();
#endif
			if
			:: has == 1 -> data_how = NONE; take()
			:: has == 2 -> poisoned = true; break
			:: has == 0 && gone -> break
			:: else ->
				if
				:: mode == FUTEX ->
					atomic {
						if
						:: seq[AT(taken)] == LAST_LAP(taken) ->
							receiver_sleeps = taken + 1
						:: else
						fi
					}
end_receiver_futex:
					if
					:: receiver_sleeps == 0
					:: RUNS_OUT(sender_closed) ->
						atomic { receiver_sleeps = 0; patience-- }
					fi
				:: else ->
end_receiver_bell:
					if
					:: receiver_bell -> receiver_bell = false
					:: sender_dead
					fi
				fi
			fi
		fi
	od;
	receiver_closed = true;
	sender_bell = true;
	sender_sleeps = 0;
	receiver_done = true
	}
#ifdef CRASH
	unless { receiver_dead }
#endif
}

#ifdef CRASH
proctype reaper() {
	if
	:: sender_dead = true
	:: receiver_dead = true
	:: true
	fi
}
#endif

/*
 * When nothing moves any more: whoever has not ended waits for something that
 * will not come, and is right to. A labelled wait is a valid end for the search;
 * this says when it is not.
 */
proctype judge() {
	timeout;
#ifdef HOSTILE
	assert(receiver_done || !sender_dead);
#else
	assert(sender_done || sender_dead);
	assert(receiver_done || receiver_dead);
#ifndef CRASH
	assert(got == TENSORS && !poisoned);
#endif
	assert(!poisoned);
#endif
}

init {
	atomic {
#ifdef HOSTILE
		run hostile();
#else
		run sender();
#endif
		run receiver();
#ifdef CRASH
		run reaper();
#endif
		run judge()
	}
}
