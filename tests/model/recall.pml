/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking back what was sent and not received (docs/protocol/channel.md). As in
 * channel.pml each statement is one access to shared memory or one system call. A
 * lease is a piece of the slab: what lies there may change only while nobody holds
 * it. Waiting is by the bell alone, which channel.pml shows to be the harder half.
 *   -DCRASH     either side dies at any point; the other must come to its end.
 *   -DHOSTILE   the receiver writes what it likes; the sender must not be misled.
 *   -DMUTANT=n  one step is left out; tests/model/run requires that it is noticed.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef TENSORS
#define TENSORS 4
#endif
#ifndef MUTANT
#define MUTANT 0
#endif

#define AT(n) ((n) % SLOTS)
#define LAST_LAP(n) ((n) >= SLOTS -> (n) + 1 - SLOTS : 0)
#define NONE 255

/* The sender's page: a slot is its number and the lease that it speaks of. */
byte seq[SLOTS], slot_lease[SLOTS];
byte recalled;
bool asked;
bool sender_closed;
/* The receiver's page. */
byte taking;
bool took, data_wait, receiver_closed;
chan releases = [SLOTS] of { byte };
/* The slab: which tensor lies in a lease's room. */
byte room[SLOTS];
/* The kernel. */
bool receiver_bell, sender_dead, receiver_dead;
/* For assertions only. */
bool holds[SLOTS];
byte last = NONE;
bool sender_done, receiver_done, poisoned;

inline wake() {
	if
	:: data_wait -> receiver_bell = true
	:: else
	fi
}

inline reclaim() {
	do
	:: atomic { nempty(releases) -> releases ? lease };
		if
		:: out[lease] -> out[lease] = false
		:: else -> poisoned = true; break
		fi
	:: empty(releases) -> break
	od
}

inline take_back() {
	atomic { count = taking; had = took }
	m = (count > 0 && !had -> count - 1 : count);
	m = (m > mine -> m : mine);
	if
	:: m >= sent
	:: m < sent && count > m
	:: else ->
		mine = m;
		atomic { recalled = m; asked = true }
#if MUTANT != 2
		count = taking;
#endif
		if
		:: count > sent -> poisoned = true
		:: count <= sent && count > m ->
			asked = false;
			wake()
		:: else ->
			mine = m + 1;
			atomic { recalled = m + 1; asked = false }
			/* A hostile one may have given it back before. */
			out[order[AT(m)]] = false
		fi
	fi
}

proctype sender() {
	byte sent, mine, count, m, lease, order[SLOTS], free;
	bool out[SLOTS], had;

	{
	do
	:: sent == TENSORS || poisoned -> break
	:: else ->
		reclaim();
		free = NONE;
		d_step {
			m = 0;
			do
			:: m < SLOTS -> if :: !out[m] -> free = m :: else fi; m++
			:: else -> break
			od
		}
		if
		:: poisoned
		:: !poisoned && free != NONE ->
#ifndef HOSTILE
			assert(!holds[free]); /* what the receiver reads is not written */
#endif
			room[free] = sent;
			slot_lease[AT(sent)] = free;
			seq[AT(sent)] = sent + 1;
			order[AT(sent)] = free;
			out[free] = true;
			sent++;
			wake()
		:: else ->
			take_back();
			if
			:: receiver_closed || receiver_dead -> break
			:: else
			fi
		fi
	od;
	sender_closed = true;
	receiver_bell = true;
#if !defined(CRASH) && !defined(HOSTILE)
	/* Whatever the receiver took came back, once, and nothing is lost that was recalled. */
	receiver_done;
	reclaim();
	assert(!poisoned);
	d_step {
		m = 0;
		do
		:: m < SLOTS -> assert(!out[m]); m++
		:: else -> break
		od
	}
#endif
	sender_done = true
	}
#ifdef CRASH
	unless { sender_dead }
#endif
}

/* can: 0 nothing yet, 1 it is this side's, 2 neither. */
inline heed() {
	can = 0;
	tries = 3;
	do
	:: tries == 0 -> break
	:: else ->
		tries--;
		number = seq[AT(taken)];
		if
		:: number == LAST_LAP(taken) -> break
		:: else
		fi;
#if MUTANT == 1
		atomic { count = recalled; question = asked }
		atomic { taking = taken + 1; took = false }
#else
		atomic { taking = taken + 1; took = false }
		atomic { count = recalled; question = asked }
#endif
		if
		:: count > taken -> taken = count
#if MUTANT == 3
		:: else -> can = 1; break
#else
		:: count < taken || (count == taken && !question) -> can = 1; break
		:: else ->
			if
			:: sender_closed || sender_dead -> /* it ended over the question, or had answered */
#if MUTANT == 4
				can = 1; break
#else
				atomic {
					if
					:: recalled == count && asked -> can = 1
					:: else
					fi
				}
				if :: can == 1 -> break :: else fi
#endif
			:: else -> break
			fi
#endif
		fi
	od;
	if
	:: can == 1 && seq[AT(taken)] != taken + 1 -> can = 2
	:: else
	fi
}

inline take() {
	lease = slot_lease[AT(taken)];
	assert(room[lease] == taken);
	assert(last == NONE || taken > last);
	last = taken;
	holds[lease] = true;
	what[lease] = taken;
	taken++;
	atomic { taking = taken; took = true }
}

inline give_back(l) {
	assert(room[l] == what[l]); /* nobody wrote there */
	atomic { holds[l] = false; assert(nfull(releases)); releases ! l }
}

proctype receiver() {
	byte taken, count, number, tries, can, lease, what[SLOTS];
	bool question, gone;

	{
	do
	:: true ->
		if
		:: holds[0] -> give_back(0)
		:: SLOTS > 1 && holds[SLOTS - 1] -> give_back(SLOTS - 1)
		:: true
		fi;
		heed();
		if
		:: can == 1 -> take()
		:: can == 2 -> poisoned = true; break
		:: else ->
			data_wait = true;
			gone = sender_closed || sender_dead;
			heed();
			if
			:: can == 1 -> data_wait = false; take()
			:: can == 2 -> poisoned = true; break
			:: can == 0 && gone -> break
			:: else ->
end_receiver_bell:
				if
				:: receiver_bell -> receiver_bell = false
				:: sender_dead
				fi
			fi
		fi
	od;
	if :: holds[0] -> give_back(0) :: else fi;
	if :: SLOTS > 1 && holds[SLOTS - 1] -> give_back(SLOTS - 1) :: else fi;
	receiver_closed = true;
	receiver_done = true
	}
#ifdef CRASH
	unless { receiver_dead }
#endif
}

/* It announces and gives back what it likes. The sender's own state stays consistent. */
proctype hostile() {
	byte n;

end_hostile:
	do
	:: n < 5 ->
		n++;
		if
		:: atomic { taking = 0; took = false }
		:: atomic { taking = 1; took = false } :: atomic { taking = 2; took = true }
		:: atomic { taking = 4; took = false }
		:: atomic { nfull(releases) -> releases ! 0 }
		:: atomic { nfull(releases) -> releases ! (SLOTS - 1) }
		:: data_wait = true
		fi
	:: break
	od;
	receiver_closed = true;
	receiver_dead = true
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

proctype judge() {
	timeout;
	assert(sender_done || sender_dead);
#ifndef HOSTILE
	assert(receiver_done || receiver_dead);
	assert(!poisoned);
#endif
}

init {
	atomic {
		run sender();
#ifdef HOSTILE
		run hostile();
#else
		run receiver();
#endif
#ifdef CRASH
		run reaper();
#endif
		run judge()
	}
}
