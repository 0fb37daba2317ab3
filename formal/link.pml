/*
 * The link between two hosts and the device, for spin.  Contract: docs/protocol.md; rules: docs/safety.md.
 *
 * RULE: whatever the network and the hosts do, the device alone keeps R1 to R4, R6 to R8, R16 and R17.
 *
 * The hosts are as bad as they can be: at any moment either may send any frame that it can build from the
 * newest TELEMETRY.  A host that dies is one that never sends again; one that is started again reuses its
 * owner number and starts its sequence anew.  A host keeps one promise only: once it was asked to stop, it
 * sends nothing but STOP (R6).  Bounds, abstractions and what is not shown: docs/explanation/formal-model.md.
 *
 * Variables that begin with g are ghosts: they watch, and nothing that the device decides reads them.  A seeded
 * mistake is chosen with -DM_...; a property is a variable that stays true, so that its name shows in the verdict.
 */

#ifndef NS
#define NS 2                 /* frames in flight at once */
#endif
#ifndef MAXL
#define MAXL 1               /* greatest level that a host asks for */
#endif
#ifndef CAP
#define CAP 1                /* R1: greatest level that the device allows */
#endif
#ifndef LIMIT
#define LIMIT 0              /* R8: ticks of running allowed in all; 0 leaves time out of the model */
#endif
#define T 2                  /* R4: dead-man, in ticks */
#define INTERVAL 2           /* R8: running ticks between two checkpoints in NVM */
#define STOPPED_BY (2 * T + 1) /* R6 without any STOP arriving: last frame is fresh for T, then T, then one tick */

/* R2: greatest level that n ticks of running have earned */
#define E(n) ((n) < 2 -> 1 : ((n) < 3 -> 2 : MAXL))
#define EARNED_ALL 3

#define min(a, b) ((a) < (b) -> (a) : (b))

/* Evidence against a vacuous proof: the first time that the search gets here, it says so. */
#define seen(what) c_code { { static int once; if (!once) { once = 1; printf("seen: " what "\n"); } } }

/* ---- properties ------------------------------------------------------------------------------------------ */
bool caps = 1;               /* R1 */
bool envelope = 1;           /* R2: earned only while driven */
bool slew = 1;               /* R3 */
bool dead_man = 1;           /* R4: out > 0 => age <= T */
bool feeds = 1;              /* R4, R17: only a new frame of the owner, with a fresh echo, feeds */
bool silent = 1;             /* R6, R7: latched, pressed or stopped => zero */
bool nothing_old_acts = 1;   /* R6, R16: nothing sent before a stop, a latch, an end or a boot acts after it */
bool stop_reaches_zero = 1;  /* R6: zero by STOPPED_BY, whatever is lost */
bool reset_named = 1;        /* R7: a reset clears no newer latch */
bool reset_released = 1;     /* R7: nor while the button is pressed */
bool reset_cause_gone = 1;   /* R7: nor a fault whose cause lasts */
bool total_time = 1;         /* R8: across ARM, stop and reboot */
bool old_raises_nothing = 1; /* R4: at an age over T / 2 no level rises */
bool reset_raises_nothing = 1; /* R7: a reset opens nothing and asks for nothing */
bool fault_kept = 1;         /* R7: a fault latch outlives a reboot; only a reset or a hold clears it */
bool arm_challenged = 1;     /* R16: an ARM acts only with a challenge that holds, and once */
bool only_arm_opens = 1;     /* R16: no session without an ARM */

/* ---- the network: frames that were sent, oldest first ---------------------------------------------------- */
/* A frame stays until it is dropped, and may be delivered at any time, any number of times and in any order. */
#define NONE 0
#define ARM 1
#define SETPOINT 2
#define RESET 3

byte kind[NS];
bit from[NS];                /* owner field (R17) */
byte epoch_of[NS];
byte arg[NS];                /* SETPOINT: level; RESET: latch counter */
byte echo_age[NS];           /* SETPOINT: ticks since the echoed counter was announced; T + 1 = too old */
bit seq_old[NS];             /* SETPOINT: its sequence is not newer than the last one taken */
bit chal[NS];                /* ARM, RESET: the challenge that it carries still holds */
bit g_before[NS];            /* a stop, latch, end or boot came after it was sent */
bit g_acted[NS];             /* it has acted */

/* ---- the device ------------------------------------------------------------------------------------------ */
byte epoch;
bit open;                    /* a session is open */
bit owner;
byte age;                    /* R4: ticks since the last feed */
byte asked;
byte out;                    /* the level */
byte earned;                   /* R2: ticks of running since ARM */
byte latch;                  /* 0 none, 1 e-stop, 2 fault */
byte latch_no;
bit cause;                   /* the fault's cause is present */
#define RELEASED 0
#define PRESSED 1            /* this press cannot clear */
#define PRESSED_AGAIN 2      /* pressed while latched */
#define HELD 3               /* ... for 2 s: clears at its release */
byte button;
byte used;                   /* R8: running charged, RAM */
byte nvm;                    /* R8: the same, last checkpoint */

byte asked_stop;             /* 0, or 1 + the host that was asked to stop (R6) */
byte g_since_ask;
byte g_age;
byte g_run;
byte g_total;
bit g_armed;                 /* an ARM opened the present session */
bit g_fault;                 /* a fault latched, and nothing has cleared it since */

#ifdef M_PING_FLAG
bit ping;
byte phase;
#endif
#ifdef M_STOP_ARM_RENEW
bit forgiven;
#endif

hidden byte i, k, was, allowed;
hidden byte taken;

/* R16: a value that no frame in flight carries: 32 bits mixed with the boot counter never come again in time. */
inline fresh_epoch() {
#if defined(M_ONE_BIT_EPOCH)
	epoch = 1 - epoch;
#else
	k = 0; taken = 1;
	do
	:: taken ->
		taken = 0; i = 0;
		do
		:: i < NS -> taken = taken || (kind[i] != NONE && epoch_of[i] == k); i++
		:: else -> break
		od;
		k = k + taken
	:: else -> break
	od;
	epoch = k; k = 0; i = 0; taken = 0
#endif
}

inline fresh_latch_no() {
	k = 0; taken = 1;
	do
	:: taken ->
		taken = 0; i = 0;
		do
		:: i < NS -> taken = taken || (kind[i] == RESET && arg[i] == k); i++
		:: else -> break
		od;
		k = k + taken
	:: else -> break
	od;
	latch_no = k; k = 0; i = 0; taken = 0
}

inline mark_all_before() {
	i = 0;
	do
	:: i < NS -> g_before[i] = (kind[i] != NONE); i++
	:: else -> break
	od;
	i = 0
}

inline void_challenges() {
	i = 0;
	do
	:: i < NS -> chal[i] = 0; i++
	:: else -> break
	od;
	i = 0
}

inline zero() {
	open = 0; owner = 0; asked = 0; out = 0; age = 0; earned = 0;
	g_age = 0; g_run = 0; g_armed = 0
}

/* Every end of a session changes the epoch, and voids the challenges. */
inline end_session() {
	zero();
	fresh_epoch();
	void_challenges();
	mark_all_before()
}

/* R6: in any state, from anyone. */
inline stop() {
#ifdef M_IDLE_STOP
	if
	:: open -> fresh_epoch()
	:: else
	fi;
#else
	fresh_epoch();
#endif
	zero();
	void_challenges();
#ifdef M_STOP_ARM_RENEW
	forgiven = 1;
#endif
	mark_all_before()
}

/* R7: a new cause. */
inline latch_as(class) {
	latch = (latch < class -> class : latch);
	g_fault = (latch == 2);
#ifndef M_LATCH_LEAVES_LEVEL
	zero();
#endif
	fresh_epoch();
	fresh_latch_no();
	void_challenges();
	mark_all_before()
}

inline invariants() {
	caps = (out <= CAP);
	silent = (out == 0 || (open && latch == 0 && button == RELEASED));
	dead_man = (out == 0 || g_age <= T);
	total_time = (LIMIT == 0 || g_total <= LIMIT);
	fault_kept = (!g_fault || latch == 2);
	only_arm_opens = (!open || g_armed);
	assert(fault_kept);
	assert(only_arm_opens);
	assert(caps);
	assert(silent);
	assert(dead_man);
	assert(total_time)
}

/* ---- frames arrive --------------------------------------------------------------------------------------- */
#ifdef M_NO_EPOCH
#define EPOCH_OK(s) 1
#else
#define EPOCH_OK(s) (epoch_of[s] == epoch)
#endif
#ifdef M_NO_OWNER
#define OWNER_OK(s) 1
#else
#define OWNER_OK(s) (from[s] == owner)
#endif
#ifdef M_DUPLICATES_FEED
#define SEQ_OK(s) 1
#else
#define SEQ_OK(s) (!seq_old[s])
#endif
#ifdef M_NO_ECHO
#define ECHO_OK(s) 1
#else
#define ECHO_OK(s) (echo_age[s] <= T)
#endif
#ifdef M_RESET_PRESSED
#define RELEASED_OK 1
#else
#define RELEASED_OK (button == RELEASED)
#endif
#ifdef M_RESET_BY_NAME
#define NAME_OK(s) 1
#else
#define NAME_OK(s) (arg[s] == latch_no && chal[s])
#endif

#ifdef M_NO_CHALLENGE
#define CHALLENGE_OK(s) 1
#else
#define CHALLENGE_OK(s) (chal[s])
#endif

inline acts(s) {
	nothing_old_acts = !g_before[s];
	assert(nothing_old_acts)
}

inline feed() {
	age = 0;
	g_age = 0;
#ifdef M_PING_FLAG
	ping = 1;
#endif
}

/* R15, R16, R17: epoch and challenge; no latch, no button, time left. */
inline arrive_arm(s) {
	if
	:: !open && latch == 0 && button == RELEASED && EPOCH_OK(s) && CHALLENGE_OK(s) && (LIMIT == 0 || used < LIMIT) ->
		acts(s);
		arm_challenged = (chal[s] && !g_acted[s]);
		assert(arm_challenged);
		seen("an ARM opens a session");
		g_armed = 1;
		open = 1; owner = from[s]; asked = 0; out = 0; earned = 0; g_run = 0;
		chal[s] = 0;
		/* The owner may have started its sequence anew: all that it has in flight may look newer. */
		i = 0;
		do
		:: i < NS -> seq_old[i] = seq_old[i] && from[i] != owner; i++
		:: else -> break
		od;
		i = 0;
#ifdef M_ARM_RENEWS
		used = 0; nvm = 0;
#endif
#ifdef M_STOP_ARM_RENEW
		if
		:: forgiven -> used = 0; nvm = 0; forgiven = 0
		:: else
		fi;
#endif
#ifdef M_PING_FLAG
		phase = 0;
#endif
		feed()
	:: else ->
		if
		:: epoch_of[s] != epoch && !open -> seen("an ARM of an old epoch is refused")
		:: epoch_of[s] == epoch && !open && latch == 0 && !chal[s] -> seen("an ARM with an old challenge is refused")
		:: LIMIT != 0 && used >= LIMIT -> seen("an ARM is refused: no time left")
		:: else
		fi
	fi
}

/* R4, R16, R17: owner, epoch, newer sequence, fresh echo. */
inline arrive_setpoint(s) {
#ifdef M_SETPOINT_OPENS
	if
	:: !open && latch == 0 && button == RELEASED && EPOCH_OK(s) -> open = 1; owner = from[s]; age = 0; g_age = 0
	:: else
	fi;
#endif
	if
	:: open && OWNER_OK(s) && EPOCH_OK(s) && SEQ_OK(s) && ECHO_OK(s) ->
		acts(s);
		feeds = (from[s] == owner && !g_acted[s] && echo_age[s] <= T);
		assert(feeds);
		asked = arg[s];
		i = 0;
		do
		:: i <= s -> seq_old[i] = seq_old[i] || (kind[i] == SETPOINT && from[i] == from[s]); i++
		:: else -> break
		od;
		i = 0;
		g_acted[s] = 1;
		feed()
	:: else ->
		if
		:: open && epoch_of[s] != epoch && from[s] == owner -> seen("a SETPOINT from before an end meets a new session")
		:: open && epoch_of[s] == epoch && from[s] != owner -> seen("a foreign SETPOINT is refused")
		:: open && epoch_of[s] == epoch && g_acted[s] -> seen("a duplicate is refused")
		:: open && echo_age[s] > T && !seq_old[s] && epoch_of[s] == epoch -> seen("a late SETPOINT is refused")
		:: else
		fi
	fi
}

/* R7: latch counter, challenge, released, cause gone. */
inline arrive_reset(s) {
	if
	:: latch != 0 && NAME_OK(s) && RELEASED_OK && !cause ->
		reset_named = !g_before[s];
		assert(reset_named);
		reset_released = (button == RELEASED);
		assert(reset_released);
		seen("a RESET clears a latch");
		chal[s] = 0;
		latch = 0; g_fault = 0;
#ifdef M_RESET_RAISES
		open = 1; owner = from[s]; asked = CAP; g_armed = 1;
#endif
		reset_raises_nothing = (!open && asked == 0 && out == 0);
		assert(reset_raises_nothing)
	:: else ->
		if
		:: latch != 0 && g_before[s] -> seen("a RESET that names an older latch is refused")
		:: else
		fi
	fi
}

inline arrive(s) {
	if
	:: kind[s] == ARM -> arrive_arm(s)
	:: kind[s] == SETPOINT -> arrive_setpoint(s)
	:: kind[s] == RESET -> arrive_reset(s)
	fi;
	invariants()
}

inline drop(s) {
	i = s;
	do
	:: i + 1 < NS ->
		kind[i] = kind[i + 1]; from[i] = from[i + 1]; epoch_of[i] = epoch_of[i + 1]; arg[i] = arg[i + 1];
		echo_age[i] = echo_age[i + 1]; seq_old[i] = seq_old[i + 1]; chal[i] = chal[i + 1];
		g_before[i] = g_before[i + 1]; g_acted[i] = g_acted[i + 1];
		i++
	:: else -> break
	od;
	kind[i] = NONE; from[i] = 0; epoch_of[i] = 0; arg[i] = 0; echo_age[i] = 0; seq_old[i] = 0; chal[i] = 0;
	g_before[i] = 0; g_acted[i] = 0;
	i = 0
}

/* Network: deliver (and keep, so that it may come again) or drop. */
active proctype network() {
	do
	:: d_step { kind[0] != NONE -> arrive(0) }
	:: d_step { kind[0] != NONE -> drop(0) }
	:: d_step { chal[0] -> chal[0] = 0 }             /* its challenge grows too old */
#if NS > 1
	:: d_step { kind[1] != NONE -> arrive(1) }
	:: d_step { kind[1] != NONE -> drop(1) }
	:: d_step { chal[1] -> chal[1] = 0 }
#endif
#if NS > 2
	:: d_step { kind[2] != NONE -> arrive(2) }
	:: d_step { kind[2] != NONE -> drop(2) }
	:: d_step { chal[2] -> chal[2] = 0 }
#endif
	/* R6: any copy of any STOP, from anyone, at any time; so it needs no place among the frames in flight. */
	:: d_step { true ->
		if
		:: open -> seen("a STOP ends a session")
		:: else -> seen("a STOP meets an idle device")
		fi;
		stop();
		invariants()
	   }
	/* R15: link down, frame noise, battery: ends that are neither STOP nor latch. */
	:: d_step { open -> end_session(); invariants() }
	od
}

/* ---- hosts ----------------------------------------------------------------------------------------------- */
inline send(what, value) {
	i = 0;
	do
	:: kind[i] != NONE -> i++
	:: else -> break
	od;
	kind[i] = what; from[i] = me; epoch_of[i] = epoch; arg[i] = value;
	chal[i] = (what != SETPOINT);
	i = 0
}

#ifdef M_HOST_DRIVES_ON
#define MAY_SEND (kind[NS - 1] == NONE)
#else
#define MAY_SEND (kind[NS - 1] == NONE && asked_stop != me + 1)
#endif

proctype host(bit me) {
	do
	:: d_step { MAY_SEND -> send(ARM, 0) }
	:: d_step { MAY_SEND -> send(SETPOINT, 0) }
	:: d_step { MAY_SEND -> send(SETPOINT, MAXL) }
#ifdef LATCHES
	:: d_step { MAY_SEND && latch != 0 -> send(RESET, latch_no) }
#endif
#ifdef ASKS
	/* R6: somebody asks the host that drives to stop.  Its STOPs may all be lost. */
	:: d_step { asked_stop == 0 && open && owner == me -> asked_stop = me + 1 }
#endif
	od
}

/* ---- the device's tick ----------------------------------------------------------------------------------- */
/* R1, R2, R3: what is allowed, then fall at once or rise by one. */
inline level() {
	allowed = asked;
#ifndef M_NO_CAP
	allowed = min(allowed, CAP);
#endif
	allowed = min(allowed, E(earned));
	if
	:: allowed <= out -> out = allowed
#ifdef M_RISES_WHEN_OLD
	:: allowed > out && age > T / 2 -> out = out + 1
#else
	:: allowed > out && age > T / 2 -> seen("an old frame raises nothing")
#endif
#ifdef M_NO_SLEW
	:: allowed > out && age <= T / 2 -> out = allowed
#else
	:: allowed > out && age <= T / 2 -> out = out + 1
#endif
	fi;
	old_raises_nothing = (out <= was || g_age <= T / 2);
	assert(old_raises_nothing);
	slew = (out <= was + 1);
	assert(slew);
	envelope = (out <= E(g_run));
	assert(envelope);
	if
	:: out == CAP -> seen("the device drives at its cap")
	:: else
	fi;
#ifdef M_EARNED_AT_REST
	earned = min(earned + 1, EARNED_ALL);
#else
	earned = min(earned + (out > 0), EARNED_ALL);
#endif
	g_run = min(g_run + (out > 0), EARNED_ALL);
	allowed = 0
}

/* R8: charge what ran; checkpoint. */
inline charge() {
	if
	:: LIMIT != 0 && out > 0 ->
		g_total++;
		used++;
		if
		:: used - nvm >= INTERVAL -> nvm = used
		:: else
		fi
	:: else
	fi
}

inline dead_man_or_time() {
	if
	:: open && LIMIT != 0 && used >= LIMIT -> seen("the time is used up"); end_session()
	:: else
	fi;
#ifdef M_PING_FLAG
	if
	:: open ->
		phase++;
		if
		:: phase > T && ping -> ping = 0; phase = 0
		:: phase > T && !ping -> end_session()
		:: else
		fi
	:: else
	fi
#else
	if
	:: open && age > T ->
		seen("the dead-man ends a session");
		if
		:: asked_stop == 1 + owner -> seen("a stop whose frames were all lost is finished by the dead-man")
		:: else
		fi;
		end_session()
	:: else
	fi
#endif
}

inline tick() {
	was = out;
	i = 0;
	do
	:: i < NS ->
		echo_age[i] = (kind[i] == SETPOINT -> min(echo_age[i] + 1, T + 1) : 0);
		i++
	:: else -> break
	od;
	i = 0;
	age = (open -> min(age + 1, T + 1) : 0);
	g_age = (open -> min(g_age + 1, T + 1) : 0);
	dead_man_or_time();
	if
	:: open -> level(); charge()
	:: else
	fi;
	if
	:: asked_stop != 0 ->
		g_since_ask++;
		if
		:: g_since_ask == STOPPED_BY - 1 && open && out > 0 && asked_stop == 1 + owner ->
			seen("the bound on a stop is tight")
		:: else
		fi;
		if
		:: g_since_ask >= STOPPED_BY ->
			stop_reaches_zero = !(open && out > 0 && asked_stop == 1 + owner);
			assert(stop_reaches_zero);
			g_since_ask = 0; asked_stop = 0
		:: else
		fi
	:: else
	fi;
	was = 0
}

/* R16, R24: RAM is lost; NVM keeps the boot counter, the fault latch and the running time. */
inline reboot() {
	zero();
#ifdef M_SAME_EPOCH_AFTER_REBOOT
	epoch = 0;
#else
	fresh_epoch();
#endif
#ifdef M_REBOOT_FORGETS_FAULT
	latch = (button != RELEASED -> 1 : 0);
#else
	latch = (latch == 2 -> 2 : (button != RELEASED -> 1 : 0));
#endif
	latch_no = 0;                /* the latch counter may start anew: the challenge guards */
	button = (button != RELEASED -> PRESSED : RELEASED);
	if
	:: LIMIT != 0 ->
#ifdef M_REBOOT_RENEWS
		used = 0;
#else
		used = min(nvm + INTERVAL, LIMIT);   /* one interval is charged at boot, and kept */
#endif
		nvm = used
	:: else
	fi;
#ifdef M_STOP_ARM_RENEW
	forgiven = 0;
#endif
	void_challenges();
	/* The telemetry counter starts anew too: an old echo may match a new counter. */
	i = 0;
	do
	:: i < NS -> echo_age[i] = 0; i++
	:: else -> break
	od;
	mark_all_before()
}

proctype device() {
	do
	:: d_step { true -> tick(); invariants() }
	:: d_step { true -> reboot(); invariants() }
	od
}

/* ---- the button and the faults (R7, R11 to R14) ----------------------------------------------------------- */
#ifdef M_HOLD_IGNORES_CAUSE
#define HOLD_OK 1
#else
#define HOLD_OK (!cause)
#endif

proctype hand() {
	do
	:: d_step { button == RELEASED ->
		button = (latch == 0 -> PRESSED : PRESSED_AGAIN);
		latch_as(1);
		invariants()
	   }
	:: d_step { button == PRESSED_AGAIN -> button = HELD }
	:: d_step { button != RELEASED ->
		/* Acts once, at the release. */
		if
		:: button == HELD && HOLD_OK ->
			button = RELEASED;
			latch = 0; g_fault = 0;
			reset_cause_gone = !cause;
			assert(reset_cause_gone);
			seen("a held button clears a latch")
		:: else -> button = RELEASED
		fi;
		invariants()
	   }
	:: d_step { !cause ->
		cause = 1;
		latch_as(2);
		button = (button == RELEASED -> RELEASED : PRESSED);   /* a new cause voids the hold */
		invariants()
	   }
	:: d_step { cause -> cause = 0 }
	od
}

init {
	atomic {
		run host(0);
		run host(1);
		run network();
#ifdef LATCHES
		run hand();
#endif
		run device()
	}
}
