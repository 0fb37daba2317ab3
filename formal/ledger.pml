/*
 * The dose ledger of two hosts that use one device, for spin.  Rules: docs/safety.md R8 (limit in ARM), R9, R10.
 *
 * RULE: what the ledger would charge after a crash at this very moment is never less than what was delivered.
 *
 * One unit is 5 s of running: a checkpoint is due every unit, 15 s overdue fades (3 units), and the fade and the
 * dead-man together take no more than one unit.  With SHARED both hosts use one ledger, behind a lock that dies
 * with its holder; without it each has its own, and learns of the other by the device's lifetime seconds.
 *
 * Variables that begin with g are ghosts.  A seeded mistake is chosen with -DM_...; a property is a variable that
 * stays true.  Bounds, abstractions and what is not shown: docs/explanation/formal-model.md.
 */

#define RESERVE 5            /* units in a whole session */
#ifndef DOSE
#define DOSE 7               /* units in a day */
#endif
#define MARGIN 4             /* R9: 20 s on top of the last checkpoint */
#define DAY 2                /* units of time in the window */
#ifndef HORIZON
#define HORIZON 4            /* units of true time that are looked at */
#endif

#define min(a, b) ((a) < (b) -> (a) : (b))
#define seen(what) c_code { { static int once; if (!once) { once = 1; printf("seen: " what "\n"); } } }

/* ---- properties ------------------------------------------------------------------------------------------ */
bool charged_covers = 1;     /* R9: charged >= delivered, at any moment of a kill */
bool others_covered = 1;     /* R9: nobody drives before what others delivered is charged */
bool dose_limit = 1;         /* R9: no day holds more than DOSE */
bool clock_frees_nothing = 1; /* R10: a charge lasts a whole day of true time */

#ifdef SHARED
#define LEDGERS 1
#define L 0
#define OTHER 0
#else
#define LEDGERS 2
#define L me
#define OTHER (1 - me)
#endif

/* A ledger: v_ is what processes see (written), d_ is what survives a loss of power (fsynced). */
byte v_charge[LEDGERS];      /* settled; no need to count beyond DOSE, which blocks */
byte v_res[LEDGERS];         /* the open reservation, 0 = none */
byte v_check[LEDGERS];       /* its last checkpoint */
byte v_unseen[LEDGERS];      /* the device's lifetime less the part that is accounted for */
byte d_charge[LEDGERS];
byte d_res[LEDGERS];
byte d_check[LEDGERS];
byte d_unseen[LEDGERS];
bit locked[LEDGERS];

/* Hosts. */
#define OFF 0
#define OPENED 1
#define CONNECTED 2
#define RESERVED 3           /* written, not yet fsynced */
#define READY 4              /* durable */
#define DRIVING 5
#define ENDED 6
#define SETTLING 7           /* written, not yet fsynced */
byte at[2];
byte done[2];                /* units delivered in its session, by telemetry */
bit info_old[2];             /* the epoch changed since it read INFO (R15, R16) */

/* The device. */
byte driver;                 /* 0, or 1 + who armed it (R17) */
byte limit;                  /* R8: the ARM's own limit */
byte left;                   /* units until an overdue checkpoint, or the dead-man, has ended the session */

byte g_by[LEDGERS];          /* delivered by way of this ledger in its day */
byte g_true;                 /* true time */
byte g_last;                 /* true time of the last delivery */

byte wall = 1;               /* wall clock: true time + 1 unless it was set */
byte boot_time;              /* since the ledger last took the time */
bit new_boot;
bit set_forward;             /* the wall clock was set beyond the mark in this boot */
byte mark = 1;               /* R10: high-water mark of the wall clock, durable */
byte g_mark = 1;             /* what it should be */
byte ledger_time;            /* the ledger's own clock, durable */
byte stamp;                  /* ledger time of the last charge */

hidden byte covered, passed;

#define RECOVERED_V(l) (v_res[l] == 0 -> 0 : min(v_res[l], v_check[l] + MARGIN))
#define RECOVERED_D(l) (d_res[l] == 0 -> 0 : min(d_res[l], d_check[l] + MARGIN))
#ifdef M_STALE_INFO
#define INFO_OK 1
#else
#define INFO_OK (!info_old[me])
#endif
#ifdef M_WHOLE_SESSION
#define REMAINING RESERVE
#else
#define REMAINING (DOSE - v_charge[L])
#endif

inline fsync(l) {
	d_charge[l] = v_charge[l]; d_res[l] = v_res[l]; d_check[l] = v_check[l]; d_unseen[l] = v_unseen[l]
}

inline covers(l) {
	covered = d_charge[l] + RECOVERED_D(l);
	charged_covers = (covered >= g_by[l]);     /* after a loss of power */
	assert(charged_covers);
	covered = v_charge[l] + RECOVERED_V(l);
	charged_covers = (covered >= g_by[l]);     /* after a kill */
	assert(charged_covers);
	covered = 0
}

inline invariants() {
	covers(0);
#ifdef SHARED
	dose_limit = (g_by[0] <= DOSE);
#else
	covers(1);
	dose_limit = (g_by[0] + g_by[1] <= DOSE);
#endif
	assert(dose_limit)
}

/* R10: within a boot by boottime; across boots by the wall clock, unless it is below the mark. */
inline take_time() {
#ifdef CLOCKS
#ifdef M_WALL_IN_BOOT
	passed = (wall > mark -> wall - mark : 0);
#else
	passed = (new_boot -> (wall > mark -> wall - mark : 0) : boot_time);
#endif
	if
	:: new_boot && wall < mark -> seen("a clock below the mark frees nothing")
	:: else
	fi;
	ledger_time = ledger_time + passed;
	g_mark = g_mark + (new_boot -> 0 : boot_time);   /* the mark moves on with boottime */
	g_mark = (wall > g_mark -> wall : g_mark);
#ifdef M_NO_MARK
	mark = wall;
#else
	mark = g_mark;
#endif
	boot_time = 0; new_boot = 0; passed = 0;
	clock_frees_nothing = (ledger_time <= g_true);
	assert(clock_frees_nothing);
#else
	skip
#endif
}

/* Open the ledger: an open reservation was left by a crash.  A charge is freed after a day. */
inline open_ledger() {
	take_time();
	if
	:: v_res[L] != 0 ->
		seen("a crashed session is charged by its last checkpoint");
		v_charge[L] = min(v_charge[L] + RECOVERED_V(L), DOSE);
		v_res[L] = 0; v_check[L] = 0;
		stamp = ledger_time
#ifdef CLOCKS
	:: v_res[L] == 0 && v_charge[L] > 0 && ledger_time - stamp >= DAY && driver == 0 ->
		seen("a day frees its charge");
		clock_frees_nothing = (g_by[L] == 0 || g_true - g_last >= DAY);
		assert(clock_frees_nothing);
		v_charge[L] = 0; g_by[L] = 0; g_last = 0
#endif
	:: else
	fi;
	fsync(L)
}

/* Every end changes the epoch: an INFO that was read before it is old. */
inline device_ends() {
	driver = 0; limit = 0; left = 0;
	info_old[0] = 1; info_old[1] = 1
}

proctype host(bit me) {
	do
	/* One process holds a ledger. */
	:: d_step { at[me] == OFF && !locked[L] -> locked[L] = 1; at[me] = OPENED; open_ledger(); invariants() }

	/* R9: read INFO and charge what was delivered elsewhere, in one transaction. */
	:: d_step { at[me] == OPENED ->
		if
		:: v_unseen[L] > 0 ->
			seen("what was delivered elsewhere is charged");
			take_time();
			stamp = ledger_time
		:: else
		fi;
#ifndef M_OTHERS_FREE
		v_charge[L] = min(v_charge[L] + v_unseen[L], DOSE);
		v_unseen[L] = 0;
#endif
		fsync(L);
		info_old[me] = 0; done[me] = 0; at[me] = CONNECTED;
		invariants()
	   }
	:: d_step { at[me] == CONNECTED -> at[me] = OPENED }

	/* Reserve the whole session, or what is left. */
	:: d_step { at[me] == CONNECTED && v_charge[L] < DOSE ->
#ifndef M_LOST_RESERVE
		v_res[L] = min(RESERVE, REMAINING); v_check[L] = 0;
#endif
		at[me] = RESERVED; invariants()
	   }
	:: d_step { at[me] == RESERVED -> fsync(L); at[me] = READY; invariants() }
#ifdef M_ARM_BEFORE_FSYNC
	:: d_step { at[me] == RESERVED -> at[me] = READY }
#endif

	/* ARM names the epoch in which INFO was read: nobody drove since (R15, R16). */
	:: d_step { at[me] == READY && driver == 0 && INFO_OK ->
#ifndef SHARED
		others_covered = (v_unseen[L] == 0);
		assert(others_covered);
#endif
		seen("a session is armed");
		driver = me + 1; done[me] = 0; left = MARGIN;
		limit = min(RESERVE, REMAINING);
		at[me] = DRIVING; invariants()
	   }
	:: d_step { at[me] == READY -> at[me] = ENDED }      /* refused, or not wanted */

	/* Checkpoints, off the loop: written now, durable later. */
	:: d_step { at[me] == DRIVING && v_res[L] > 0 && v_check[L] < done[me] -> v_check[L] = done[me]; invariants() }
	:: d_step { at[me] == DRIVING && driver == me + 1 && d_check[L] < v_check[L] ->
		fsync(L);
		left = MARGIN - (done[me] - d_check[L]);
		seen("a checkpoint is durable");
		invariants()
	   }

	/* The end is confirmed by the device, whatever its cause. */
	:: d_step { at[me] == DRIVING ->
		if
		:: driver == me + 1 -> device_ends()
		:: else
		fi;
		at[me] = ENDED
	   }

	/* Settle: one transaction charges what was delivered and gives the rest back. */
	:: d_step { at[me] == ENDED ->
#ifdef M_SETTLE_BEFORE_FSYNC
		d_res[L] = 0; d_check[L] = 0;            /* the give-back is durable before the charge is */
#endif
		v_charge[L] = min(v_charge[L] + done[me], DOSE);
		v_res[L] = 0; v_check[L] = 0;
		v_unseen[L] = v_unseen[L] - min(done[me], v_unseen[L]);
		take_time();
		stamp = ledger_time;
		at[me] = SETTLING; invariants()
	   }
#ifdef M_DOUBLE_GIVE_BACK
	/* Settled again, as after a lost answer: the unused part comes back twice. */
	:: d_step { at[me] == SETTLING -> v_charge[L] = v_charge[L] - min(v_charge[L], RESERVE - done[me]); invariants() }
#endif
	:: d_step { at[me] == SETTLING ->
		fsync(L); done[me] = 0; at[me] = OPENED;
		seen("a session is settled");
		invariants()
	   }

	/* Killed: what was written is still there; the device runs on until the dead-man.  A session whose end was
	   not confirmed is treated in the same way. */
	:: d_step { at[me] != OFF ->
		at[me] = OFF; locked[L] = 0; done[me] = 0;
		if
		:: driver == me + 1 -> left = min(left, 1); seen("a host is killed while it drives")
		:: else
		fi;
		invariants()
	   }
	/* The kernel writes back when it likes. */
	:: d_step { v_charge[L] != d_charge[L] || v_res[L] != d_res[L] || v_check[L] != d_check[L] -> fsync(L); invariants() }
	/* Power is lost: what was not fsynced is gone. */
	:: d_step { true ->
		at[me] = OFF; locked[L] = 0; done[me] = 0;
#ifdef SHARED
		at[1 - me] = OFF; done[1 - me] = 0;
#endif
		v_charge[L] = d_charge[L]; v_res[L] = d_res[L]; v_check[L] = d_check[L]; v_unseen[L] = d_unseen[L];
		if
		:: driver != 0 && at[driver - 1] == OFF -> left = min(left, 1)
		:: else
		fi;
#ifdef CLOCKS
		if
		:: !set_forward -> new_boot = 1; boot_time = 0   /* the machine boots */
		:: else
		fi;
#endif
		invariants()
	   }
	od
}

/* The device delivers one unit, or its session ends by itself. */
inline deliver(me) {
	done[me] = (at[me] == DRIVING -> done[me] + 1 : 0);
	limit--;
#ifdef M_OVERDUE_IGNORED
	left = (at[me] == DRIVING -> left : left - 1);
#else
	left--;
#endif
	g_by[L]++; g_last = g_true;
	v_unseen[0]++; d_unseen[0]++;
#ifndef SHARED
	v_unseen[1]++; d_unseen[1]++;
#endif
	invariants()
}

proctype device() {
	do
	:: d_step { driver == 1 && limit > 0 && left > 0 -> deliver(0) }
	:: d_step { driver == 2 && limit > 0 && left > 0 -> deliver(1) }
	:: d_step { driver != 0 -> device_ends() }
	od
}

#ifdef CLOCKS
/* True time passes between sessions; the wall clock is set back, forward, or right. */
proctype clocks() {
	do
	:: d_step { driver == 0 && g_true < HORIZON -> g_true++; wall++; boot_time++ }
	:: d_step { wall > 0 -> wall-- }
	/* Back to right, up to the mark, at any time; beyond it in the last boot only: a boot after that cannot be
	   told from time that passed (see the page). */
	:: d_step { wall < HORIZON + 3 && !new_boot ->
		set_forward = set_forward || wall >= g_mark + boot_time;
		wall++
	   }
	od
}
#endif

init {
	atomic {
		run host(0);
		run host(1);
#ifdef CLOCKS
		run clocks();
#endif
		run device()
	}
}
