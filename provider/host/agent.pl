#!/usr/bin/perl
#
# The agent: what runs on the host while a connection is open. It is sent over one SSH channel to
# `perl -` and then reads requests from the same stream; nothing of it is ever written to the host's
# disk. It runs as root on mail servers, so it does little, and refuses on doubt:
#
#   - Programs are started from argument lists. There is no shell anywhere in this file.
#   - Outside a write section (begin ... end, one per host, held by flock(2)) it only looks: files are
#     read, and programs run only if %PROBES says that these arguments change nothing.
#   - It is one process with one select(2) loop. Requests are answered by id, in any order.
#   - When its input ends it ends its programs (not its jobs), gives the lock back and exits.
#
# Syntax and modules are those of Perl 5.10.1, which OpenBSD 4.7 has in base (tools/lint-agent.mjs).
#
# Wire format, both ways: a length (4 bytes, most significant first), then that many bytes of bencode:
# integers i7e, byte strings 4:spam, lists l...e, dictionaries d...e, and, of our own, n (null),
# t (true) and f (false). Bencode because JSON::PP is in base only since Perl 5.14 and cannot carry bytes.

use strict;
use warnings;

use Config ();
use Cwd ();
use Digest::SHA ();
use Errno ();
use Fcntl qw(:DEFAULT :flock :mode);
use IO::Handle ();
use POSIX ();
use Socket ();
use Time::HiRes ();

# ---------------------------------------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------------------------------------

use constant {
    PROTOCOL       => 1,
    MAGIC          => "\0pulumi-openbsd-postfix agent 1\0\n",
    MAX_FRAME      => 64 * 1024 * 1024,
    MAX_FILE       => 16 * 1024 * 1024,    # a larger file is described, not carried
    MAX_OUTPUT     => 4 * 1024 * 1024,     # per stream of a program; its head is kept
    MAX_LOG        => 1024 * 1024,         # of a job's log in one answer
    MAX_LINE       => 64 * 1024,           # of a TCP service
    MAX_CHUNK      => 64 * 1024,           # of a connection's bytes in one answer
    MAX_STREAMS    => 8,                   # connections to TCP services at the same time
    MAX_TREE       => 20_000,              # entries of a tree
    MAX_TREE_BYTES => 256 * 1024 * 1024,   # in all its files
    MAX_MAILDIR    => 1000,                # messages of a maildir that are looked into, newest first
    MAX_HEADERS    => 64 * 1024,           # of a message
    WORK_SLICE     => 0.2,                 # seconds of long work after which others have their turn
    MAX_PROGRAMS   => 16,                  # at the same time; more of them wait in line
    KILL_AFTER     => 5,                   # seconds from TERM to KILL
    DRAIN_QUIET    => 0.25,                # how long the output of an ended program may stay open
    DRAIN_TOTAL    => 5,
    LOCK_POLL      => 0.1,
    PROBE_DEADLINE => 30,
    RUN_DEADLINE   => 60,
    PATH           => '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin',
};

my @SIGNAL_NAMES = split ' ', $Config::Config{sig_name};

# ---------------------------------------------------------------------------------------------------
# State
# ---------------------------------------------------------------------------------------------------

my $record   = '/var/db/pulumi-openbsd-postfix';    # the folder of ours on the host
my $silence  = 120;     # seconds without a word from the client after which a section is given up
my $silence_watch;      # the timer that looks
my $heard    = 0;       # when it last said something
my $input    = '';      # bytes read and not yet taken apart
my $output   = '';      # bytes to be written
my $leaving  = 0;       # set once: input has ended, or a signal has come
my %readers;            # file number => what to do when it can be read
my %writers;            # the same for writing
my @timers;             # [when, what, cancelled]
my %programs;           # pid => a program that runs
my @waiting;            # programs that wait for their turn
my %streams;            # connections to TCP services, by number
my $last_stream = 0;
my $section;            # the write section that is open: { token, lock }
my %litter;             # temporary files and folders to remove whatever happens: path => 1

# ---------------------------------------------------------------------------------------------------
# Values on the wire
# ---------------------------------------------------------------------------------------------------

# Perl cannot tell 7 from "7": numbers and truth values are wrapped, all other scalars are bytes.
sub num  { my ($value) = @_; return bless \$value, 'WireNumber' }
sub bool { my ($value) = @_; $value = $value ? 1 : 0; return bless \$value, 'WireBool' }
sub num_or_null { my ($value) = @_; return defined $value ? num($value) : undef }

sub encode {
    my ($value) = @_;
    return 'n' unless defined $value;
    my $type = ref $value;
    return length($value) . ':' . $value if $type eq '';
    return sprintf('i%.0fe', $$value) if $type eq 'WireNumber';
    return $$value ? 't' : 'f' if $type eq 'WireBool';
    return 'l' . join('', map { encode($_) } @$value) . 'e' if $type eq 'ARRAY';
    return 'd' . join('', map { encode($_) . encode($value->{$_}) } sort keys %$value) . 'e';
}

# Decodes the value at the position of the reference's string; dies on anything malformed.
sub decode {
    my ($bytes, $depth) = @_;
    die "too deep\n" if $depth > 32;
    if ($$bytes =~ /\G([0-9]{1,9}):/gc) {
        my $at = pos $$bytes;
        die "cut short\n" if $at + $1 > length $$bytes;
        pos($$bytes) = $at + $1;
        return substr $$bytes, $at, $1;
    }
    return $1 + 0 if $$bytes =~ /\Gi(-?[0-9]{1,15})e/gc;
    return undef if $$bytes =~ /\Gn/gc;    ## no critic: null is a value
    return 1 if $$bytes =~ /\Gt/gc;
    return 0 if $$bytes =~ /\Gf/gc;
    if ($$bytes =~ /\Gl/gc) {
        my @list;
        push @list, decode($bytes, $depth + 1) until $$bytes =~ /\Ge/gc;
        return \@list;
    }
    if ($$bytes =~ /\Gd/gc) {
        my %dictionary;
        until ($$bytes =~ /\Ge/gc) {
            my $key = decode($bytes, $depth + 1);
            die "a key must be a string\n" if !defined $key || ref $key;
            $dictionary{$key} = decode($bytes, $depth + 1);
        }
        return \%dictionary;
    }
    die "not bencode\n";
}

sub send_value {
    my ($value) = @_;
    my $bytes = encode($value);
    $output .= pack('N', length $bytes) . $bytes;
    $writers{1} = \&flush_output;
    return;
}

sub reply      { my ($id, $value) = @_; send_value({ id => num($id), ok => $value }); return }
sub reply_fail { my ($id, $fault) = @_; send_value({ id => num($id), error => $fault }); return }

# Ends the request at hand with an error. Kinds are those of errors.ts; `changed` is 0 unless said.
sub fault {
    my ($kind, $message, %more) = @_;
    die { kind => $kind, message => $message, %more };
}
sub refuse { my ($message) = @_; return fault('refused', $message) }

# What was thrown, as a dictionary that can be sent.
sub as_fault {
    my ($thrown) = @_;
    return $thrown if ref $thrown eq 'HASH';
    chomp $thrown;
    return { kind => 'refused', message => "the agent failed: $thrown" };
}

# ---------------------------------------------------------------------------------------------------
# Arguments of requests
# ---------------------------------------------------------------------------------------------------

sub string_of {
    my ($from, $name) = @_;
    my $value = $from->{$name};
    refuse("the request lacks the string '$name'") if !defined $value || ref $value;
    return $value;
}

# An absolute path without NUL, and without a slash at its end.
sub path_of {
    my ($from, $name) = @_;
    my $path = string_of($from, $name);
    refuse("'$path' is not an absolute path") if $path !~ m{^/} || $path =~ /\0/;
    $path =~ s{/+\z}{};
    return $path eq '' ? '/' : $path;
}

sub argv_of {
    my ($from) = @_;
    my $argv = $from->{argv};
    refuse('argv must be a list of strings, not empty') if ref $argv ne 'ARRAY' || !@$argv;
    for my $word (@$argv) {
        refuse('an argument must be a string without NUL')
            if !defined $word || ref $word || $word =~ /\0/;
    }
    refuse('the program must have a name') if $argv->[0] eq '';
    return @$argv;
}

sub environment_of {
    my ($from) = @_;
    my $given = $from->{env};
    my %environment = (
        PATH    => PATH,
        LC_ALL  => 'C',
        HOME    => '/root',
        LOGNAME => 'root',
        USER    => 'root',
        SHELL   => '/bin/sh',
        TERM    => 'dumb',
    );
    return \%environment unless ref $given eq 'HASH';
    for my $name (keys %$given) {
        refuse("'$name' cannot be the name of an environment variable")
            if $name !~ /\A[A-Za-z_][A-Za-z0-9_]*\z/;
        refuse("the environment variable $name must be a string without NUL")
            if !defined $given->{$name} || ref $given->{$name} || $given->{$name} =~ /\0/;
        $environment{$name} = $given->{$name};
    }
    return \%environment;
}

sub seconds_of {
    my ($from, $name, $default) = @_;
    my $milliseconds = $from->{$name};
    return defined $milliseconds ? $milliseconds / 1000 : $default;
}

# ---------------------------------------------------------------------------------------------------
# The loop
# ---------------------------------------------------------------------------------------------------

# Time that no change of the clock moves; where the system has none, the clock.
sub now {
    my $time = eval { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) };
    return defined $time && $time >= 0 ? $time : Time::HiRes::time();
}

sub after {
    my ($seconds, $what) = @_;
    my $timer = [now() + $seconds, $what, 0];
    @timers = sort { $a->[0] <=> $b->[0] } grep { !$_->[2] } @timers, $timer;
    return $timer;
}

sub cancel {
    my ($timer) = @_;
    $timer->[2] = 1 if defined $timer;
    return;
}

# Children that end do not always wake select(2) (their pipes may stay open, and Perl runs handlers
# late): with children alive it wakes by itself ten times a second.
sub wait_time {
    my $wait = %programs ? 0.1 : undef;
    @timers = grep { !$_->[2] } @timers;
    if (@timers) {
        my $next = $timers[0][0] - now();
        $next = 0 if $next < 0;
        $wait = $next if !defined $wait || $next < $wait;
    }
    return $wait;
}

sub turn {
    my ($read, $write) = ('', '');
    vec($read,  $_, 1) = 1 for keys %readers;
    vec($write, $_, 1) = 1 for keys %writers;
    my $found = select $read, $write, undef, wait_time();
    if ($found > 0) {
        for my $fd (keys %readers) {
            $readers{$fd}->($fd) if $readers{$fd} && vec $read, $fd, 1;
        }
        for my $fd (keys %writers) {
            $writers{$fd}->($fd) if $writers{$fd} && vec $write, $fd, 1;
        }
    }
    reap();
    my $now = now();
    while (@timers && $timers[0][0] <= $now) {
        my $timer = shift @timers;
        $timer->[1]->() unless $timer->[2];
    }
    return;
}

sub set_nonblocking {
    my ($handle) = @_;
    my $flags = fcntl $handle, F_GETFL, 0 or die "fcntl: $!\n";
    fcntl $handle, F_SETFL, $flags | O_NONBLOCK or die "fcntl: $!\n";
    return;
}

sub again { return $!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR} }

sub flush_output {
    while ($output ne '') {
        my $count = syswrite STDOUT, $output, 65_536;
        if (!defined $count) {
            return if again();
            $output = '';
            $leaving = 1;    # the client is gone
            last;
        }
        substr $output, 0, $count, '';
    }
    delete $writers{1};
    return;
}

sub read_input {
    my $count = sysread STDIN, $input, 65_536, length $input;
    if (!defined $count) {
        return if again();
        $count = 0;
    }
    if (!$count) {
        $leaving = 1;
        delete $readers{0};
        return;
    }
    take_frames();
    return;
}

sub take_frames {
    $heard = now();
    while (length $input >= 4) {
        my $length = unpack 'N', $input;
        if ($length > MAX_FRAME) {
            print {*STDERR} "agent: a request of $length bytes is too large\n";
            $leaving = 1;
            return;
        }
        return if length $input < 4 + $length;
        my $frame = substr $input, 4, $length;
        substr $input, 0, 4 + $length, '';
        handle_frame($frame);
    }
    return;
}

sub handle_frame {
    my ($frame) = @_;
    my $request = eval { decode(\$frame, 0) };
    if (ref $request ne 'HASH' || !defined $request->{id} || !defined $request->{op}) {
        print {*STDERR} "agent: a request that cannot be read\n";
        $leaving = 1;
        return;
    }
    my $id = $request->{id};
    my $done = eval { dispatch($request, sub { reply($id, $_[0]) }, sub { reply_fail($id, $_[0]) }); 1 };
    reply_fail($id, as_fault($@)) unless $done;
    return;
}

# ---------------------------------------------------------------------------------------------------
# Files, looking
# ---------------------------------------------------------------------------------------------------

sub parent_of { my ($path) = @_; return $path =~ m{^(.+)/[^/]*\z} ? $1 : '/' }
sub base_of   { my ($path) = @_; return $path =~ m{([^/]*)\z} ? $1 : $path }
sub under     { my ($folder, $name) = @_; return $folder eq '/' ? "/$name" : "$folder/$name" }

# The path at the end of a chain of links: folders resolved, the last component not a link. It need not
# exist; undef when its folder does not.
sub follow {
    my ($path) = @_;
    for (1 .. 32) {
        my $base = base_of($path);
        if ($base eq '.' || $base eq '..' || $base eq '') {
            return Cwd::abs_path($path);
        }
        my $folder = Cwd::abs_path(parent_of($path));
        return undef if !defined $folder || !-d $folder;    ## no critic: undef is the answer
        $path = under($folder, $base);
        return $path unless -l $path;
        my $target = readlink $path;
        return undef unless defined $target;                ## no critic
        $target =~ s{/+\z}{} if $target ne '/';
        $path = $target =~ m{^/} ? $target : under($folder, $target);
    }
    return undef;                                           ## no critic: too many links lead nowhere
}

# Reads a regular file without following a link and without waiting on a pipe or device that took its
# place. Returns its contents (undef when too large, or not wanted), digest and fstat(2).
sub read_regular {
    my ($path, $digest_only) = @_;
    sysopen my $handle, $path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK or refuse("cannot open $path: $!");
    my @stat = stat $handle or refuse("cannot look at $path: $!");
    refuse("$path stopped being a file while it was looked at") unless S_ISREG($stat[2]);
    my $digest = Digest::SHA->new(256);
    my ($contents, $large) = ('', $digest_only);
    while (1) {
        my $count = sysread $handle, my ($chunk), 1_048_576;
        refuse("cannot read $path: $!") unless defined $count;
        last unless $count;
        $digest->add($chunk);
        $large = 1 if length($contents) + $count > MAX_FILE;
        $contents = $large ? '' : $contents . $chunk;
    }
    return ($large ? undef : $contents, $digest->hexdigest, @stat);
}

# What stands at a path, as FileState in host.ts.
sub file_state {
    my ($path, $with_contents) = @_;
    my @stat = lstat $path;
    if (!@stat) {
        return { type => 'absent' } if $!{ENOENT} || $!{ENOTDIR};
        refuse("cannot look at $path: $!");
    }
    if (S_ISLNK($stat[2])) {
        my $target = readlink $path;
        refuse("cannot read the link $path: $!") unless defined $target;
        my %link = (type => 'symlink', target => $target);
        my $end = follow($path);
        if (defined $end && lstat $end) {
            $link{resolved} = $end;
            $link{file} = file_state($end, $with_contents);
        }
        return \%link;
    }
    if (S_ISREG($stat[2])) {
        my %file = (type => 'file');
        if ($with_contents) {
            (my $contents, $file{sha256}, @stat) = read_regular($path);
            $file{contents} = $contents if defined $contents;
        }
        return { %file, owner_of(@stat), size => num($stat[7]) };
    }
    return { type => S_ISDIR($stat[2]) ? 'directory' : 'other', owner_of(@stat) };
}

sub owner_of {
    my (@stat) = @_;
    return (mode => num($stat[2] & 07777), uid => num($stat[4]), gid => num($stat[5]));
}

sub list_folder {
    my ($path) = @_;
    opendir my $handle, $path or do {
        return undef if $!{ENOENT} || $!{ENOTDIR};    ## no critic: null is the answer
        refuse("cannot list $path: $!");
    };
    my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir $handle;
    closedir $handle;
    return \@names;
}

# Everything in a folder, itself included (path ''), sorted by path; null when nothing is there. What is not a
# folder is a tree of one entry. Nothing in it is followed.
sub tree_of {
    my ($top) = @_;
    my ($bytes, @entries) = (0);
    my @left = ('');
    while (@left) {
        my $path = shift @left;
        my $full = $path eq '' ? $top : under($top, $path);
        my @stat = lstat $full;
        if (!@stat) {
            refuse("cannot look at $full: $!") unless $!{ENOENT} || $!{ENOTDIR};
            return undef if $path eq '';    ## no critic: null is the answer
            next;                           # it went while we looked
        }
        my %entry = (path => $path, type => 'other', owner_of(@stat));
        if (S_ISREG($stat[2])) {
            $bytes += $stat[7];
            refuse("$top holds more than " . MAX_TREE_BYTES . ' bytes') if $bytes > MAX_TREE_BYTES;
            (undef, my $digest, @stat) = read_regular($full, 1);
            %entry = (%entry, type => 'file', owner_of(@stat), size => num($stat[7]), sha256 => $digest);
        }
        elsif (S_ISDIR($stat[2])) {
            $entry{type} = 'directory';
            push @left, map { $path eq '' ? $_ : "$path/$_" } @{ list_folder($full) || [] };
        }
        elsif (S_ISLNK($stat[2])) {
            my $target = readlink $full;
            refuse("cannot read the link $full: $!") unless defined $target;
            %entry = (%entry, type => 'symlink', target => $target);
        }
        push @entries, \%entry;
        refuse("$top holds more than " . MAX_TREE . ' files') if @entries + @left > MAX_TREE;
    }
    return [sort { $a->{path} cmp $b->{path} } @entries];
}

# One digest for all of a tree, as treeDigest in tree.ts has it. Of a link only its target counts: its mode and
# owner mean nothing.
sub tree_digest {
    my ($entries) = @_;
    return '' unless defined $entries;
    my $digest = Digest::SHA->new(256);
    for my $entry (@$entries) {
        my ($mode, $uid, $gid) = map { $entry->{type} eq 'symlink' ? 0 : ${ $entry->{$_} } } qw(mode uid gid);
        my $what = $entry->{sha256} // $entry->{target} // '';
        $digest->add(join("\0", $entry->{path}, $entry->{type}, $mode, $uid, $gid, $what) . "\0");
    }
    return $digest->hexdigest;
}

sub tail_of {
    my ($path, $offset, $limit) = @_;
    sysopen my $handle, $path, O_RDONLY | O_NONBLOCK or do {
        return undef if $!{ENOENT} || $!{ENOTDIR};    ## no critic: null is the answer
        refuse("cannot open $path: $!");
    };
    my @stat = stat $handle or refuse("cannot look at $path: $!");
    refuse("$path is not a file") unless S_ISREG($stat[2]);
    $limit = MAX_FILE if $limit > MAX_FILE;
    $offset = $stat[7] + $offset if $offset < 0;
    $offset = 0 if $offset < 0;
    my $contents = read_from($handle, $path, $offset, $limit);
    return { size => num($stat[7]), inode => "$stat[1]", contents => $contents };
}

sub read_from {
    my ($handle, $path, $offset, $limit) = @_;
    sysseek $handle, $offset, 0 or refuse("cannot go to byte $offset of $path: $!");
    my $contents = '';
    while (length $contents < $limit) {
        my $count = sysread $handle, $contents, $limit - length $contents, length $contents;
        refuse("cannot read $path: $!") unless defined $count;
        last unless $count;
    }
    return $contents;
}

# ---------------------------------------------------------------------------------------------------
# Programs
# ---------------------------------------------------------------------------------------------------

# The file to execute: a path as it is, a bare name searched for in PATH.
sub find_program {
    my ($name) = @_;
    my @candidates = $name =~ m{/} ? ($name) : map { "$_/$name" } split /:/, PATH;
    for my $file (@candidates) {
        return $file if -f $file && -x _;
    }
    return undef;    ## no critic: undef is the answer
}

# Starts a program, or puts it in line. Takes argv, tty ('both' or 'stderr'), cwd, env, timeout
# (seconds) and done, which is called once with what came of it (RunResult in host.ts) or with
# { notFound }.
sub run_program {
    my (%program) = @_;
    push @waiting, \%program;
    start_waiting();
    return;
}

sub start_waiting {
    while (@waiting && !$leaving && keys %programs < MAX_PROGRAMS) {
        my $program = shift @waiting;
        my $started = eval { start_program($program); 1 };
        next if $started;
        my $fault = as_fault($@);
        $program->{done}->({ fault => $fault });
    }
    return;
}

sub start_program {
    my ($p) = @_;
    my $file = find_program($p->{argv}[0]);
    return $p->{done}->({ notFound => bool(1) }) unless defined $file;

    $p->{stdout} = $p->{stderr} = '';
    $p->{open} = {};
    my ($terminal, $slave) = $p->{tty} ? open_terminal() : ();
    my ($out_read, $out_write, $err_read, $err_write);
    if (($p->{tty} || '') eq 'both') { ($out_write, $err_write) = ($slave, $slave) }
    else                             { pipe $out_read, $out_write or die "pipe: $!\n" }
    if ($p->{tty}) { $err_write = $slave }
    else           { pipe $err_read, $err_write or die "pipe: $!\n" }
    sysopen my $null, '/dev/null', O_RDONLY or die "cannot open /dev/null: $!\n";

    my $pid = spawn($file, $p, $null, $out_write, $err_write, $slave);
    if (!$pid) {    # exec failed and said why
        return $p->{done}->({ notFound => bool(1) }) if $!{ENOENT} || $!{ENOTDIR};
        my $name = $p->{argv}[0];
        return $p->{done}->(result_of($p, exitCode => 126, stderr => "$name cannot be executed: $!\n"));
    }
    $p->{pid} = $pid;
    $programs{$pid} = $p;
    collect($p, 'stdout', $out_read) if $out_read;
    collect($p, 'stderr', $err_read) if $err_read;
    collect($p, $p->{tty} eq 'both' ? 'stdout' : 'stderr', $terminal) if $terminal;
    $p->{terminal} = $terminal;
    $p->{alarm} = after($p->{timeout}, sub { end_program($p) });
    return;
}

# fork(2) and execve(2). Returns the process id, or 0 with $! set when the program cannot be executed.
# The program leads a session of its own: nothing can ask the user's terminal, and the whole group can
# be ended.
sub spawn {
    my ($file, $p, $in, $out, $err, $slave) = @_;
    pipe my $errno_read, my $errno_write or die "pipe: $!\n";
    my $pid = fork;
    die "cannot fork: $!\n" unless defined $pid;
    if (!$pid) {
        POSIX::setsid();
        $SIG{$_} = 'DEFAULT' for qw(CHLD HUP INT PIPE TERM);
        take_terminal($slave) if $slave;
        become_program($file, $p, fileno $in, fileno $out, fileno $err, $errno_write);
    }
    close $errno_write;
    my $said = '';
    while (1) {
        my $count = sysread $errno_read, $said, 16, length $said;
        last if defined $count ? !$count : !$!{EINTR};
    }
    close $errno_read;
    return $pid if $said eq '';
    waitpid $pid, 0;
    $! = $said + 0;
    return 0;
}

# In the child; does not return. Handles other than 0 to 2 are closed by execve(2) ($^F).
sub become_program {
    my ($file, $p, $in, $out, $err, $errno_write) = @_;
    my $ready = eval {
        POSIX::dup2($in,  0) // die;
        POSIX::dup2($out, 1) // die;
        POSIX::dup2($err, 2) // die;
        chdir($p->{cwd} // '/') or die;
        umask 022;
        %ENV = %{ $p->{env} };
        no warnings 'exec';
        exec {$file} @{ $p->{argv} };
        1;
    };
    syswrite $errno_write, $! + 0;
    POSIX::_exit(127);
}

# Reads a stream of a program into its record. What is over the cap is read and dropped, so that the
# program does not block.
sub collect {
    my ($p, $name, $handle) = @_;
    set_nonblocking($handle);
    my $fd = fileno $handle;
    $p->{open}{$fd} = $handle;
    $readers{$fd} = sub {
        my $count = sysread $handle, my ($chunk), 65_536;
        return if !defined $count && again();
        if (!$count) {    # also EIO: the other side of a terminal was closed (Linux)
            close_stream($p, $fd);
            finish_program($p) if $p->{ended} && !%{ $p->{open} };
            return;
        }
        $p->{active} = now();
        my $room = MAX_OUTPUT - length $p->{$name};
        $p->{truncated} = 1 if $count > $room;
        $p->{$name} .= substr $chunk, 0, $room if $room > 0;
    };
    return;
}

sub close_stream {
    my ($p, $fd) = @_;
    delete $readers{$fd};
    delete $writers{$fd};
    my $handle = delete $p->{open}{$fd};
    # A terminal whose master is closed hangs up, and many programs close their output a moment before
    # they end: it is closed when they have (finish_program).
    close $handle if $handle && !($p->{terminal} && $handle == $p->{terminal});
    return;
}

# The deadline: TERM to the whole group, KILL some seconds later, and no waiting for ever for a process
# that even KILL does not end (a hanging disk).
sub end_program {
    my ($p) = @_;
    $p->{timed_out} = 1;
    kill 'TERM', -$p->{pid} unless $p->{ended};
    after(KILL_AFTER, sub { kill 'KILL', -$p->{pid} unless $p->{ended} || $p->{finished} });
    after(KILL_AFTER + 2, sub { finish_program($p) });
    return;
}

sub reap {
    while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
        my $status = $?;
        my $p = $programs{$pid} or next;
        $p->{ended} = 1;
        $p->{status} = $status;
        $p->{active} = $p->{ended_at} = now();
        kill 'KILL', -$pid if $p->{timed_out};    # what is left of the group
        if (%{ $p->{open} }) { drain($p) }
        else                 { finish_program($p) }
    }
    return;
}

# A program has ended and somebody it left behind holds its output (postfix start leaves master(8)):
# take what comes until it is quiet, then stop listening.
sub drain {
    my ($p) = @_;
    after(0.05, sub {
        return if $p->{finished};
        my $now = now();
        return drain($p) if $now < $p->{active} + DRAIN_QUIET && $now < $p->{ended_at} + DRAIN_TOTAL;
        finish_program($p);
    });
    return;
}

sub finish_program {
    my ($p) = @_;
    return if $p->{finished}++;
    cancel($p->{alarm});
    close_stream($p, $_) for keys %{ $p->{open} };
    close $p->{terminal} if $p->{terminal};
    delete $programs{ $p->{pid} };
    my $status = $p->{timed_out} ? undef : $p->{status};
    my %how;
    if (defined $status) {
        my $signal = $status & 127;
        if ($signal) { $how{signal} = $SIGNAL_NAMES[$signal] || "$signal" }
        else         { $how{exitCode} = $status >> 8 }
    }
    $p->{done}->(result_of($p, %how));
    start_waiting();
    return;
}

sub result_of {
    my ($p, %how) = @_;
    return {
        exitCode  => num_or_null($how{exitCode}),
        signal    => $how{signal},
        stdout    => $p->{stdout},
        stderr    => defined $how{stderr} ? $how{stderr} : $p->{stderr},
        truncated => bool($p->{truncated}),
        timedOut  => bool($p->{timed_out}),
    };
}

# ---------------------------------------------------------------------------------------------------
# Terminals. Core Perl has no IO::Pty, so the two ways there are, by what exists: ptm(4) on OpenBSD,
# ptmx(4) on Linux. Output post-processing and echo are off: what the program writes is what comes back.
# ---------------------------------------------------------------------------------------------------

use constant {
    PTMGET        => 0x40287401,    # OpenBSD: _IOR('t', 1, struct ptmget), sizeof is 40
    BSD_TIOCSCTTY => 0x20007461,    # _IO('t', 97)
    TIOCGPTN      => 0x80045430,    # Linux
    TIOCSPTLCK    => 0x40045431,
    TIOCSCTTY     => 0x540E,
};

# (master, slave) as handles.
sub open_terminal {
    my ($master, $slave);
    if (-e '/dev/ptm') {
        sysopen my $ptm, '/dev/ptm', O_RDWR or die "cannot open /dev/ptm: $!\n";
        my $ptmget = "\0" x 40;
        ioctl $ptm, PTMGET, $ptmget or die "PTMGET on /dev/ptm: $!\n";
        my ($master_fd, $slave_fd) = unpack 'ii', $ptmget;
        open $master, '+<&=', $master_fd or die "the terminal's master: $!\n";
        open $slave,  '+<&=', $slave_fd  or die "the terminal's slave: $!\n";
    }
    elsif (-e '/dev/ptmx') {
        sysopen $master, '/dev/ptmx', O_RDWR | O_NOCTTY or die "cannot open /dev/ptmx: $!\n";
        my $unlocked = pack 'i', 0;
        my $number   = pack 'i', 0;
        ioctl $master, TIOCSPTLCK, $unlocked or die "TIOCSPTLCK on /dev/ptmx: $!\n";
        ioctl $master, TIOCGPTN,   $number   or die "TIOCGPTN on /dev/ptmx: $!\n";
        my $name = '/dev/pts/' . unpack 'i', $number;
        sysopen $slave, $name, O_RDWR | O_NOCTTY or die "cannot open $name: $!\n";
    }
    else {
        die "this host has neither /dev/ptm nor /dev/ptmx: no terminal can be had\n";
    }
    for my $handle ($master, $slave) {
        fcntl $handle, F_SETFD, FD_CLOEXEC or die "fcntl: $!\n";
    }
    my $settings = POSIX::Termios->new;
    $settings->getattr(fileno $slave);
    $settings->setoflag($settings->getoflag & ~POSIX::OPOST());
    $settings->setlflag($settings->getlflag & ~POSIX::ECHO());
    $settings->setattr(fileno $slave, POSIX::TCSANOW());
    return ($master, $slave);
}

# Makes it the controlling terminal of the session just begun. Not all that want a terminal want a
# controlling one: failure is no error.
sub take_terminal {
    my ($slave) = @_;
    my $request = -e '/dev/ptm' ? BSD_TIOCSCTTY : TIOCSCTTY;
    ioctl $slave, $request, 0;
    return;
}

# ---------------------------------------------------------------------------------------------------
# Probes: programs that only look. A name that is not here, or arguments that its entry does not
# accept, are refused; so no preview can change a host, whatever asks.
# ---------------------------------------------------------------------------------------------------

# Walks options as getopt(3) does, also clustered (-ve is -v -e). $taking: letters that take an
# argument; $allowed: all letters allowed. Returns the operands, or nothing when an option is not
# allowed, and the letters seen as the first element.
sub options_of {
    my ($allowed, $taking, @words) = @_;
    my $seen = '';
    while (@words && $words[0] =~ /\A-(.+)\z/s) {
        my $cluster = $1;
        shift @words;
        last if $cluster eq '-';
        while ($cluster =~ s/\A(.)//s) {
            my $letter = $1;
            return if index($allowed, $letter) < 0;
            $seen .= $letter;
            next if index($taking, $letter) < 0;
            if ($cluster ne '') { $cluster = '' }
            elsif (@words)      { shift @words }
            else                { return }
        }
    }
    return ($seen, @words);
}

# postconf(1) changes files with -e, -# and -X, and, since 2.8, when an operand has a "=".
sub postconf_looks {
    my (@words) = @_;
    my ($seen, @operands) = options_of('abcdfhlmnopqtvxACFHMPST', 'coCT', @words);
    return defined $seen && !grep { /=/ } @operands;
}

# postmap(1) and postalias(1) only look when asked for a key or for all (-q, -s).
sub table_looks {
    my (@words) = @_;
    my ($seen) = options_of('cfFhmqsUv', 'cq', @words);
    return defined $seen && $seen =~ /[qs]/;
}

sub words_are {
    my (@wanted) = @_;
    return sub { return join("\0", @_) eq join "\0", @wanted };
}

my %PROBES = (
    uname     => sub { 1 },
    id        => sub { 1 },
    ps        => sub { 1 },
    test      => sub { 1 },
    pgrep     => sub { 1 },
    sysctl    => sub { return @_ == 2 && $_[0] eq '-n' && $_[1] =~ /\A[\w.]+\z/ },
    arch      => sub { return !grep { $_ ne '-s' } @_ },
    machine   => sub { return !grep { $_ ne '-a' } @_ },
    postconf  => \&postconf_looks,
    postmap   => \&table_looks,
    postalias => \&table_looks,
    master    => words_are('-t'),
    postqueue => sub { return @_ && !grep { $_ ne '-p' && $_ ne '-j' } @_ },
    mailq     => sub { return !@_ },
    sendmail  => sub { return "@_" eq '-bp' || "@_" eq '-Ac -bp' },
    smtpctl   => words_are(qw(show queue)),
    rcctl     => sub { return @_ && $_[0] =~ /\A(?:get|getdef|ls|check)\z/ },
    pkg_info  => sub { 1 },
    ftp       => sub { return @_ == 4 && "@_[0 .. 2]" eq '-V -o -' && $_[3] =~ m{\A(?:ftp|https?)://} },
    crontab   => sub { return "@_" =~ /\A-l(?: -u [\w.-]+)?\z/ || "@_" =~ /\A-u [\w.-]+ -l\z/ },
    doas      => sub { return @_ && $_[0] eq '-C' },
    make      => \&make_looks,
);

# `make show=NAME` prints a variable of a port (bsd.port.mk(5)).
sub make_looks {
    my (@words) = @_;
    my $shows = grep { /\Ashow=[A-Z_]+\z/ } @words;
    my $known = grep {
        m{\A(?:-C|-s|show=[A-Z_]+|/usr/ports/[\w./+-]*|FLAVOR=[\w ]*|SUBPACKAGE=[\w-]*)\z}
    } @words;
    return $shows && $known == @words && !grep { m{/\.\./} || m{/\.\.\z} } @words;
}

sub only_looks {
    my ($name, @words) = @_;
    if ($name =~ m{\A/etc/rc\.d/[\w-]+\z}) {
        return @words && $words[-1] eq 'check' && !grep { !/\A-[df]\z/ } @words[0 .. $#words - 1];
    }
    my $test = $PROBES{ base_of($name) };
    return $test && $test->(@words);
}

sub probe {
    my ($from, $deadline, $done) = @_;
    my @argv = argv_of($from);
    refuse("'@argv' is not on the list of programs that only look; nothing but these may run outside"
            . ' a write section')
        unless only_looks(@argv);
    return $done->({ notFound => bool(1) })
        if defined $from->{onlyWith} && !-e path_of($from, 'onlyWith');
    # Only make(1) is started somewhere: its -C is younger than the oldest releases.
    my $cwd = defined $from->{cwd} ? path_of($from, 'cwd') : '/';
    refuse("a program that only looks is not started in $cwd")
        unless $cwd eq '/' || base_of($argv[0]) eq 'make' && $cwd =~ m{\A/usr/ports/} && $cwd !~ m{/\.\.(?:/|\z)};
    return $done->({ notFound => bool(1) }) unless -d $cwd;
    # The one thing a probe may be told by its environment: where packages are looked for.
    my %told = map { exists $from->{env}{$_} ? ($_ => $from->{env}{$_}) : () } qw(PKG_PATH);
    run_program(
        argv    => \@argv,
        cwd     => $cwd,
        env     => environment_of({ env => \%told }),
        timeout => $deadline,
        done    => $done,
    );
    return;
}

# ---------------------------------------------------------------------------------------------------
# Connections to TCP services, relayed byte by byte. Nothing is buffered here: the socket is read only while somebody
# waits for its bytes, and what is to be sent is answered for when the system has taken it.
# ---------------------------------------------------------------------------------------------------

# Takes host, port, timeout (seconds for the whole life of the connection) and opened, which is called once with the
# connection, or with undef and the reason.
sub connect_stream {
    my (%given) = @_;
    my $stream = \%given;
    if (!eval { $stream->{socket} = begin_connect($stream->{host}, $stream->{port}); 1 }) {
        chomp(my $why = $@);
        return $stream->{opened}->(undef, $why);
    }
    my $socket = $stream->{socket};
    my $fd = fileno $socket;
    $stream->{alarm} = after($stream->{timeout}, sub {
        my $what = $stream->{opened} ? "no connection to $stream->{host} port $stream->{port}" : 'nothing more came';
        end_stream($stream, sprintf '%s within %.1f s', $what, $stream->{timeout});
    });
    $writers{$fd} = sub {
        delete $writers{$fd};
        my $error = getsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_ERROR();
        local $! = defined $error ? unpack 'i', $error : 0;
        return end_stream($stream, "cannot connect to $stream->{host} port $stream->{port}: $!") if $! != 0;
        delete($stream->{opened})->($stream);
    };
    return;
}

# Names are not looked up: the resolver would hold up the loop, and Perl 5.10 has none for IPv6.
sub begin_connect {
    my ($host, $port) = @_;
    $host = '127.0.0.1' if $host eq 'localhost';
    my ($family, $address);
    if ($host =~ /\A[0-9]{1,3}(?:\.[0-9]{1,3}){3}\z/) {
        $family = Socket::AF_INET();
        $address = Socket::pack_sockaddr_in($port, Socket::inet_aton($host));
    }
    elsif ($host =~ /:/) {
        my $inet_pton = Socket->can('inet_pton');
        my $pack      = Socket->can('pack_sockaddr_in6');
        my $binary = $inet_pton && $pack && eval { $inet_pton->(Socket::AF_INET6(), $host) };
        die "$host: this Perl ($^V) cannot connect to IPv6 addresses\n" unless $binary;
        $family = Socket::AF_INET6();
        $address = $pack->($port, $binary);
    }
    else {
        die "'$host' is neither an address nor localhost\n";
    }
    socket my $socket, $family, Socket::SOCK_STREAM(), 0 or die "socket: $!\n";
    set_nonblocking($socket);
    return $socket if connect $socket, $address;
    return $socket if $!{EINPROGRESS} || $!{EINTR};
    die "cannot connect to $host port $port: $!\n";
}

# Calls done once with { bytes }, with { end } when the service has closed its side, or with { error }.
sub receive_from {
    my ($stream, $done) = @_;
    return $done->({ error => $stream->{error} }) if defined $stream->{error};
    my $fd = fileno $stream->{socket};
    $stream->{receiving} = $done;
    $readers{$fd} = sub {
        my $count = sysread $stream->{socket}, my ($chunk), MAX_CHUNK;
        return if !defined $count && again();
        return end_stream($stream, "the connection broke: $!") unless defined $count;
        delete $readers{$fd};
        delete($stream->{receiving})->($count ? { bytes => $chunk } : { end => bool(1) });
    };
    return;
}

# Calls done once with {} when the system has taken all bytes, or with { error }.
sub send_to {
    my ($stream, $bytes, $done) = @_;
    return $done->({ error => $stream->{error} }) if defined $stream->{error};
    my $fd = fileno $stream->{socket};
    $stream->{sending} = $done;
    $writers{$fd} = sub {
        my $count = $bytes eq '' ? 0 : syswrite $stream->{socket}, $bytes, 65_536;
        return if !defined $count && again();
        return end_stream($stream, "the connection broke while sending: $!") unless defined $count;
        substr $bytes, 0, $count, '';
        return if $bytes ne '';
        delete $writers{$fd};
        delete($stream->{sending})->({});
    };
    return;
}

# Closes the connection; whoever waits for something of it gets the reason.
sub end_stream {
    my ($stream, $why) = @_;
    return if defined $stream->{error};
    $stream->{error} = $why;
    cancel($stream->{alarm});
    my $fd = fileno $stream->{socket};
    delete $readers{$fd};
    delete $writers{$fd};
    close $stream->{socket};
    my @waiting_for = map { delete $stream->{$_} } qw(opened receiving sending);
    $waiting_for[0]->(undef, $why) if $waiting_for[0];
    $_->({ error => $why }) for grep { defined } @waiting_for[1, 2];
    return;
}

sub end_streams {
    end_stream($_, 'the write section is over') for values %streams;
    %streams = ();
    return;
}

sub op_connect {
    my ($request, $ok) = @_;
    refuse('too many connections are open') if keys %streams >= MAX_STREAMS;
    connect_stream(
        host    => string_of($request, 'host'),
        port    => string_of($request, 'port'),
        timeout => seconds_of($request, 'timeoutMs', RUN_DEADLINE),
        opened  => sub {
            my ($stream, $why) = @_;
            return $ok->({ error => $why }) unless $stream;
            $streams{ ++$last_stream } = $stream;
            $ok->({ stream => num($last_stream) });
        },
    );
    return;
}

sub stream_of {
    my ($request) = @_;
    return $streams{ string_of($request, 'stream') } || refuse('there is no such connection');
}

sub op_receive {
    my ($request, $ok) = @_;
    my $stream = stream_of($request);
    refuse('somebody waits for its bytes already') if $stream->{receiving};
    receive_from($stream, $ok);
    return;
}

sub op_send {
    my ($request, $ok) = @_;
    my $stream = stream_of($request);
    refuse('something is being sent already') if $stream->{sending};
    send_to($stream, string_of($request, 'bytes'), $ok);
    return;
}

sub op_disconnect {
    my ($request, $ok) = @_;
    end_stream(stream_of($request), 'the connection was closed by us');
    delete $streams{ $request->{stream} };
    $ok->({});
    return;
}

# ---------------------------------------------------------------------------------------------------
# The write section: one for the whole host, whoever connects. flock(2) on a file of ours; it goes with
# the process that holds it, however that ends.
# ---------------------------------------------------------------------------------------------------

sub lock_path { return "$record/lock" }

# Our folder: made when missing; refused when somebody else could have put something there.
sub make_record {
    if (!mkdir $record, 0700) {
        refuse("cannot make the folder $record: $!") unless $!{EEXIST};
    }
    my @stat = lstat $record;
    return 0 unless @stat;    # removed again by the holder of the lock: the caller tries once more
    refuse("$record is not a folder of ours: it must be a directory, mode 0700, owned by uid $>")
        if !S_ISDIR($stat[2]) || $stat[4] != $> || ($stat[2] & 077);
    return 1;
}

# One try. Returns the handle that holds the lock, or nothing. The holder removes folder and file when
# it leaves nothing behind, so what we locked must still be what stands under the name.
sub try_lock {
    return unless make_record();
    sysopen my $handle, lock_path(), O_RDWR | O_CREAT | O_NOFOLLOW, 0600 or do {
        return if $!{ENOENT};
        refuse('cannot open ' . lock_path() . ": $!");
    };
    return unless flock $handle, LOCK_EX | LOCK_NB;
    my @held = stat $handle;
    my @named = lstat lock_path();
    return unless @named && $held[0] == $named[0] && $held[1] == $named[1];
    return $handle;
}

sub lock_holder {
    sysopen my $handle, lock_path(), O_RDONLY | O_NOFOLLOW or return '';
    my $text = '';
    sysread $handle, $text, 4096;
    $text =~ s/\n\z//;
    return $text;
}

sub op_begin {
    my ($request, $ok, $fail) = @_;
    my $token = string_of($request, 'token');
    my $purpose = string_of($request, 'purpose');
    refuse('a write section is already open on this connection') if $section;
    my $until = now() + seconds_of($request, 'waitMs', 300);
    my $holder = '';
    my $attempt;
    $attempt = sub {
        return if $leaving;
        my $lock = eval { try_lock() };
        if ($@) {
            undef $attempt;
            return $fail->(as_fault($@));
        }
        if (!$lock) {
            my $seen = lock_holder();
            $holder = $seen if $seen ne '';
            return after(LOCK_POLL, $attempt) if now() < $until;
            undef $attempt;
            return $fail->({ kind => 'locked', message => 'the write lock is held', holder => $holder });
        }
        undef $attempt;
        my $when = POSIX::strftime('%Y-%m-%d %H:%M:%S UTC', gmtime);
        my $text = join("\n", map { my $line = $_; $line =~ s/[\r\n]+/ /g; $line }
                $purpose, 'by ' . ($request->{from} || 'unknown'), "process $$", "since $when") . "\n";
        truncate $lock, 0;
        sysseek $lock, 0, 0;
        syswrite $lock, $text;
        $section = { token => $token, lock => $lock };
        $heard = now();
        $ok->({});
    };
    $attempt->();
    return;
}

sub op_end {
    my ($request, $ok) = @_;
    check_section($request);
    release();
    $ok->({});
    return;
}

# Gives the lock back. Where our folder holds nothing but the lock (and an empty folder of jobs) it
# goes, while the lock is still held, so that the host has the tree it had.
sub release {
    return unless $section;
    end_streams();
    my $lock = $section->{lock};
    undef $section;
    rmdir "$record/jobs";
    my $names = eval { list_folder($record) } || [];
    if (@$names == 1 && $names->[0] eq 'lock') {
        unlink lock_path();
        rmdir $record;
    }
    else {
        truncate $lock, 0;
    }
    close $lock;
    return;
}

sub check_section {
    my ($request) = @_;
    my $token = $request->{section};
    refuse("'$request->{op}' is refused outside a write section")
        if !$section || !defined $token || $token ne $section->{token};
    return;
}

# ---------------------------------------------------------------------------------------------------
# Files, changing
# ---------------------------------------------------------------------------------------------------

# fsync(2) on a folder makes a rename in it durable. The handle is opened for reading (no folder can be
# opened for writing) and wrapped for writing, because IO::Handle::sync of old Perls takes only such. Best effort:
# what was written is complete at any rate.
sub sync_folder {
    my ($folder) = @_;
    sysopen my $handle, $folder, O_RDONLY or return;
    open my $wrapped, '>&=', fileno $handle or return;
    $wrapped->sync;
    return;
}

# A folder where anybody can exchange names under our hands is no place for root to write in.
sub check_folder {
    my ($folder, $path) = @_;
    my @stat = stat $folder or refuse("the folder of $path does not exist");
    refuse("$folder is not a folder") unless S_ISDIR($stat[2]);
    refuse("$folder can be written to by everybody; $path is not touched, nothing was changed")
        if ($stat[2] & 02) && !($stat[2] & 01000);
    return $stat[2] & 02;
}

# Where a write to this path ends up: links followed, as a regular file or absent; anything else is
# refused.
sub write_target {
    my ($path) = @_;
    check_folder(parent_of($path), $path);
    my $target = $path;
    if (-l $path) {
        my @stat = lstat _;
        $target = follow($path);
        refuse("$path is a link that leads nowhere")
            if !defined $target || !lstat $target;
        refuse("$path is a link in a folder that everybody can write to")
            if check_folder(parent_of($path), $path) && $stat[4] != $>;
    }
    my $shared = check_folder(parent_of($target), $target);
    my @stat = lstat $target;
    if (!@stat) {
        refuse("cannot look at $target: $!") unless $!{ENOENT};
        return ($target);
    }
    refuse("$target is not a regular file") unless S_ISREG($stat[2]);
    refuse("$target has $stat[3] names (hard links), of which only one would change")
        if $stat[3] > 1;
    refuse("$target belongs to uid $stat[4] in a folder that everybody can write to")
        if $shared && $stat[4] != $>;
    return ($target, @stat);
}

sub expectation_of {
    my ($request) = @_;
    my $expect = $request->{expect};
    refuse('the request does not say what it expects to find')
        if ref $expect ne 'HASH' || 1 != grep { $expect->{$_} } qw(sha256 absent anything);
    return $expect;
}

# Whether what stands there is what was expected. A link that is to be removed counts by its target.
sub as_expected {
    my ($expect, $state) = @_;
    return 1 if $expect->{anything};
    return $state->{type} eq 'absent' if $expect->{absent};
    return $state->{sha256} eq $expect->{sha256} if $state->{type} eq 'file';
    return Digest::SHA::sha256_hex($state->{target}) eq $expect->{sha256} if $state->{type} eq 'symlink';
    return 0;
}

sub random_name {
    my @letters = ('a' .. 'z', '0' .. '9');
    return join '', map { $letters[rand @letters] } 1 .. 8;
}

# Temporary names are .<name>.pulumi-XXXXXXXX, in the same folder so that rename(2) can be used. Those
# of a run that was cut are removed; nobody else can be using them, for we hold the lock.
sub temporary_for {
    my ($path) = @_;
    my ($folder, $name) = (parent_of($path), substr base_of($path), 0, 200);
    for my $left (@{ list_folder($folder) || [] }) {
        unlink under($folder, $left) if $left =~ /\A\.\Q$name\E\.pulumi-[a-z0-9]{8}\z/;
    }
    return under($folder, ".$name.pulumi-" . random_name());
}

# Makes a new file with owner and mode set before it has contents, and everything on the disk.
sub make_file {
    my ($path, $contents, $mode, $uid, $gid) = @_;
    sysopen my $handle, $path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600 or die "cannot make it: $!\n";
    $litter{$path} = 1;
    my @stat = stat $handle;
    if ($stat[4] != $uid || $stat[5] != $gid) {
        chown $uid, $gid, $handle or die "cannot give it to $uid:$gid: $!\n";
    }
    chmod $mode, $handle or die "cannot set its mode: $!\n";
    my $at = 0;
    while ($at < length $contents) {
        my $count = syswrite $handle, $contents, length($contents) - $at, $at;
        die "cannot write it: $!\n" unless defined $count;
        $at += $count;
    }
    $handle->sync or die "cannot sync it: $!\n";
    @stat = stat $handle;
    die "it has $stat[7] bytes instead of " . length($contents) . "\n" if $stat[7] != length $contents;
    close $handle or die "cannot close it: $!\n";
    return;
}

sub discard {
    my ($path) = @_;
    unlink $path;
    delete $litter{$path};
    return;
}

sub op_write {
    my ($request, $ok) = @_;
    my $path = path_of($request, 'path');
    my $contents = string_of($request, 'contents');
    my $expect = expectation_of($request);
    refuse("what arrived for $path is not what was sent")
        if string_of($request, 'sha256') ne Digest::SHA::sha256_hex($contents);
    my ($target, @stat) = write_target($path);
    my $found = file_state($target, 1);
    return $ok->({ written => bool(0), found => $found }) unless as_expected($expect, $found);

    my $mode = $request->{mode} // (@stat ? $stat[2] & 07777 : 0644);
    my $uid  = $request->{uid}  // (@stat ? $stat[4]         : $>);
    my $gid  = $request->{gid}  // (@stat ? $stat[5]         : $> ? (split ' ', $))[0] : 0);
    my $temporary = temporary_for($target);
    my $outcome = eval {
        make_file($temporary, $contents, $mode, $uid, $gid);
        $found = file_state($target, 1);
        as_expected($expect, $found) && put_in_place($temporary, $target, $expect) ? 'written' : 'found';
    };
    my $why = $@;
    discard($temporary);
    if (!defined $outcome) {
        $why = as_fault($why)->{message} if ref $why;
        chomp $why;
        fault('refused', "the new $target could not be written: $why");
    }
    return $ok->({ written => bool(0), found => file_state($target, 1) }) if $outcome eq 'found';
    sync_folder(parent_of($target));
    $ok->({ written => bool(1), sha256 => Digest::SHA::sha256_hex($contents) });
    return;
}

# rename(2) replaces whatever is there. Where nothing may be there, link(2) is used, which fails when
# somebody was faster.
sub put_in_place {
    my ($temporary, $target, $expect) = @_;
    if ($expect->{absent}) {
        return 1 if link $temporary, $target;
        return 0 if $!{EEXIST};
        die "cannot put it in place: $!\n";
    }
    rename $temporary, $target or die "cannot put it in place: $!\n";
    delete $litter{$temporary};
    return 1;
}

sub op_remove {
    my ($request, $ok) = @_;
    my $path = path_of($request, 'path');
    my $expect = expectation_of($request);
    my $found = file_state($path, 1);
    return $ok->({ written => bool(0), found => $found }) unless as_expected($expect, $found);
    my $type = $found->{type};
    if ($type ne 'absent') {
        check_folder(parent_of($path), $path);
        refuse("$path is neither a file nor a link nor a folder") if $type eq 'other';
        my $removed = $type eq 'directory' ? rmdir $path : unlink $path;
        refuse("cannot remove $path: $!") unless $removed || $!{ENOENT};
        sync_folder(parent_of($path));
    }
    $ok->({ written => bool(1), sha256 => $found->{sha256} // '' });
    return;
}

sub op_directory {
    my ($request, $ok) = @_;
    my $path = path_of($request, 'path');
    my $mode = $request->{mode};
    refuse('the mode of the folder is missing') unless defined $mode;
    check_folder(parent_of($path), $path);
    my $made = mkdir $path, 0700;
    refuse("cannot make the folder $path: $!") unless $made || $!{EEXIST};
    my @stat = lstat $path;
    refuse("$path is there and is not a folder") unless S_ISDIR($stat[2]);
    my $uid = $request->{uid} // $stat[4];
    my $gid = $request->{gid} // ($made && !$> ? 0 : $stat[5]);
    my $set = ($stat[4] == $uid && $stat[5] == $gid) || chown $uid, $gid, $path;
    $set &&= ($stat[2] & 07777) == $mode || chmod $mode, $path;
    if (!$set) {
        my $why = "$!";
        rmdir $path if $made;
        refuse("cannot set owner and mode of the folder $path: $why");
    }
    sync_folder(parent_of($path)) if $made;
    $ok->({});
    return;
}

# Removes a tree of ours. Nothing in it is followed.
sub remove_tree {
    my ($path) = @_;
    my @stat = lstat $path or return;
    if (S_ISDIR($stat[2])) {
        my $names = eval { list_folder($path) } || [];
        remove_tree(under($path, $_)) for @$names;
        rmdir $path;
    }
    else {
        unlink $path;
    }
    return;
}

# ---------------------------------------------------------------------------------------------------
# Trees, changing
# ---------------------------------------------------------------------------------------------------

# Does the pieces of work one after the other, and lets others have their turn in between. Where the agent leaves
# meanwhile, the rest is not done.
sub work_off {
    my ($work, $ok, $fail) = @_;
    my $next;
    $next = sub {
        my $until = now() + WORK_SLICE;
        my $done = eval {
            (shift @$work)->() while @$work && now() < $until;
            1;
        };
        my $fault = $done ? undef : as_fault($@);
        return after(0, $next) if $done && @$work;
        undef $next;
        return $fault ? $fail->($fault) : $ok->({ written => bool(1) });
    };
    $next->();
    return;
}

# The tree at a path, or nothing when it is not the one that was expected.
sub expected_tree {
    my ($request, $path) = @_;
    my $found = tree_of($path);
    return tree_digest($found) eq string_of($request, 'expect') ? $found || [] : undef;
}

sub remove_entry {
    my ($top, $entry) = @_;
    my $path = $entry->{path} eq '' ? $top : under($top, $entry->{path});
    my $gone = $entry->{type} eq 'directory' ? rmdir $path : unlink $path;
    refuse("cannot remove $path: $!") unless $gone || $!{ENOENT};
    sync_folder(parent_of($path)) if $entry->{path} eq '';
    return;
}

# Owner and mode of what stands there, by its handle: a name could lead elsewhere a moment later. False for a file
# with several names, which would all change with it.
sub own_entry {
    my ($path, $mode, $uid, $gid) = @_;
    sysopen my $handle, $path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK or refuse("cannot open $path: $!");
    my @stat = stat $handle;
    return 0 if S_ISREG($stat[2]) && $stat[3] > 1;
    if ($stat[4] != $uid || $stat[5] != $gid) {
        chown $uid, $gid, $handle or refuse("cannot give $path to $uid:$gid: $!");
    }
    if (($stat[2] & 07777) != $mode) {
        chmod $mode, $handle or refuse("cannot set the mode of $path: $!");
    }
    return 1;
}

# A folder that somebody else could exchange names in is made root's before anything in it is touched; its own parents
# have been made so before it.
sub own_folders {
    my ($top, $uid, $gid, $entries, $stays) = @_;
    return map {
        my $entry = $_;
        sub {
            my $path = $entry->{path} eq '' ? $top : under($top, $entry->{path});
            own_entry($path, $stays->{ $entry->{path} } ? 0755 : 0700, $uid, $gid);
        };
    } grep { $_->{type} eq 'directory' } @$entries;
}

sub copy_entry {
    my ($from, $path, $entry, $uid, $gid) = @_;
    my $temporary = temporary_for($path);
    my $made = eval {
        if ($entry->{type} eq 'symlink') {
            symlink $entry->{target}, $temporary or die "$!\n";
            $litter{$temporary} = 1;
        }
        else {
            my ($contents) = read_regular($from);
            die "it has more than " . MAX_FILE . " bytes\n" unless defined $contents;
            make_file($temporary, $contents, 0644, $uid, $gid);
        }
        rename $temporary, $path or die "cannot put it in place: $!\n";
        1;
    };
    my $why = $@;
    discard($temporary);
    return if $made;
    $why = as_fault($why)->{message} if ref $why;
    chomp $why;
    refuse("$path could not be made: $why");
}

# Makes one tree like another: what is missing or different comes, what the other does not have goes. Folders are
# 0755 and files 0644, as `cp -R` leaves them, and root's.
sub op_copy_tree {
    my ($request, $ok, $fail) = @_;
    my ($from, $to) = (path_of($request, 'from'), path_of($request, 'to'));
    check_folder(parent_of($to), $to);
    my $found = expected_tree($request, $to);
    return $ok->({ written => bool(0) }) unless $found;
    my $source = tree_of($from);
    refuse("$from is not a folder") if !$source || $source->[0]{type} ne 'directory';
    my @wanted = grep { $_->{type} ne 'other' } @$source;
    my %wanted = map { $_->{path} => $_ } @wanted;
    my %found  = map { $_->{path} => $_ } @$found;
    my ($uid, $gid) = ($>, $> ? (split ' ', $))[0] : 0);
    my @work = own_folders($to, $uid, $gid, $found, \%wanted);
    for my $entry (reverse @$found) {
        my $like = $wanted{ $entry->{path} };
        next if $like && $like->{type} eq $entry->{type};
        delete $found{ $entry->{path} };
        push @work, sub { remove_entry($to, $entry) };
    }
    for my $entry (@wanted) {
        my ($source_path, $path) = map { $entry->{path} eq '' ? $_ : under($_, $entry->{path}) } $from, $to;
        my $there = $found{ $entry->{path} };
        my $is_folder = $entry->{type} eq 'directory';
        my $copy = sub { copy_entry($source_path, $path, $entry, $uid, $gid) };
        if ($is_folder) {
            next if $there;
            push @work, sub {
                mkdir $path, 0700 or $!{EEXIST} or refuse("cannot make the folder $path: $!");
                own_entry($path, 0755, $uid, $gid);
                sync_folder(parent_of($path));
            };
        }
        elsif (!$there || grep { ($entry->{$_} // '') ne ($there->{$_} // '') } qw(sha256 target)) {
            push @work, $copy;
        }
        elsif ($entry->{type} eq 'file') {
            next if ${ $there->{mode} } == 0644 && ${ $there->{uid} } == $uid && ${ $there->{gid} } == $gid;
            push @work, sub { own_entry($path, 0644, $uid, $gid) || $copy->() };
        }
    }
    push @work, map { my $path = $_->{path}; sub { sync_folder($path eq '' ? $to : under($to, $path)) } }
        grep { $_->{type} eq 'directory' } @wanted;
    work_off(\@work, $ok, $fail);
    return;
}

# Removes a tree but for the entries that are named, and the folders that these stand in.
sub op_prune_tree {
    my ($request, $ok, $fail) = @_;
    my $path = path_of($request, 'path');
    refuse('what is to be kept must be a list') if ref $request->{keep} ne 'ARRAY';
    check_folder(parent_of($path), $path);
    my $found = expected_tree($request, $path);
    return $ok->({ written => bool(0) }) unless $found;
    my %keep;
    for my $kept (@{ $request->{keep} }) {
        $keep{$kept} = 1;
        $keep{$kept} = 1 while $kept =~ s{/[^/]*\z}{};
        $keep{''} = 1;
    }
    my @gone = grep { !$keep{ $_->{path} } } @$found;
    my ($uid, $gid) = ($>, $> ? (split ' ', $))[0] : 0);
    my @work = own_folders($path, $uid, $gid, \@gone, {});
    push @work, map { my $entry = $_; sub { remove_entry($path, $entry) } } reverse @gone;
    work_off(\@work, $ok, $fail);
    return;
}

# Gives what stands at a path another name on the same file system.
sub op_move {
    my ($request, $ok) = @_;
    my ($from, $to) = (path_of($request, 'from'), path_of($request, 'to'));
    check_folder(parent_of($from), $from);
    check_folder(parent_of($to), $to);
    refuse("there is nothing at $from") unless lstat $from;
    refuse("something stands at $to") if lstat $to;
    rename $from, $to or refuse("cannot move $from to $to: $!");
    sync_folder($_) for parent_of($from), parent_of($to);
    $ok->({});
    return;
}

# ---------------------------------------------------------------------------------------------------
# Mailboxes. One message is looked for by its Message-Id and taken out, with the rights and the locks with which
# local(8) delivers: in a folder that only root can write to as root, else as the mailbox's owner. Links are not
# followed, and other messages stay as they are, to the byte.
# ---------------------------------------------------------------------------------------------------

# Does something with the effective ids of a user.
sub as_user {
    my ($uid, $gid, $what) = @_;
    return $what->() if $> != 0 || $uid == 0;
    my $groups = $);
    $) = "$gid $gid";
    $> = $uid;
    my $answer = eval {
        refuse("cannot act as uid $uid: $!") if $> != $uid;
        $what->();
    };
    my $fault = $@;
    $> = 0;
    $) = $groups;
    die "cannot become root again: $!\n" if $> != 0;
    die $fault if $fault;
    return $answer;
}

# (uid, gid) with which a mailbox is worked on: local(8), "MAILBOX DELIVERY".
sub mailbox_rights {
    my ($request, $path) = @_;
    my ($uid, $gid) = map { string_of($request, $_) } qw(uid gid);
    return ($uid, $gid) unless $request->{spool};
    my @stat = stat parent_of($path) or refuse('there is no folder ' . parent_of($path));
    return ($uid, $gid) if $stat[2] & 02;
    return ($uid, $stat[5]) if $stat[2] & 020;
    return (0, 0);
}

# Is this message one that is meant? 'wanted', 'stale' (one of ours that an earlier run left) or nothing.
sub message_is {
    my ($request, $headers) = @_;
    my ($id) = $headers =~ /^Message-Id:[ \t]*<([^<>\r\n]+)>[ \t]*\r?$/mi or return '';
    return 'wanted' if $id eq $request->{messageId};
    my $domain = $request->{domain};
    return $id =~ /\A[0-9a-f]+\@\Q$domain\E\z/ ? 'stale' : '';
}

sub headers_of {
    my ($text) = @_;
    my $end = index $text, "\n\n";
    my $headers = $end < 0 ? $text : substr $text, 0, $end + 1;
    return substr $headers, 0, MAX_HEADERS;
}

# (begin, end) of every message in the text of an mbox: each begins with a "From " line at the beginning or after
# an empty line.
sub mbox_messages {
    my ($text, $is_whole) = @_;
    my @begins;
    push @begins, 0 if $is_whole && $text =~ /\AFrom /;
    while ($text =~ /\n\nFrom /g) { push @begins, pos($text) - 5 }
    my @ends = (@begins[1 .. $#begins], length $text);
    return map { [$begins[$_], $ends[$_]] } 0 .. $#begins;
}

# Takes the locks as they are named, or returns undef when somebody has one; the handle is open for reading and
# writing. Mail of a user who can change names in the folder is opened as that user.
sub take_mbox {
    my ($request, $path) = @_;
    my $lock = "$path.lock";
    if ($request->{locks} =~ /dotlock/) {
        if (sysopen my $made, $lock, O_WRONLY | O_CREAT | O_EXCL, 0) { $litter{$lock} = 1 }
        elsif ($!{EEXIST}) { return undef }    ## no critic: undef is the answer
        elsif (!$!{EACCES} && !$!{EPERM}) { refuse("cannot make $lock: $!") }
    }
    my $answer = eval { in_mbox($request, $path) };
    my $fault = $@;
    discard($lock) if $litter{$lock};
    die $fault if $fault;
    return $answer;
}

sub in_mbox {
    my ($request, $path) = @_;
    sysopen my $handle, $path, O_RDWR | O_NOFOLLOW | O_NONBLOCK or do {
        return { found => bool(0) } if $!{ENOENT};
        refuse("cannot open the mailbox $path: $!");
    };
    return undef unless flock $handle, LOCK_EX | LOCK_NB;    ## no critic: undef is the answer
    my @stat = stat $handle;
    my @named = lstat $path;
    return undef if !@named || $named[0] != $stat[0] || $named[1] != $stat[1];    ## no critic
    refuse("the mailbox $path is not a regular file") unless S_ISREG($stat[2]);
    refuse("the mailbox $path has $stat[3] names (hard links)") if $stat[3] != 1;

    my $begin = $stat[7] > MAX_FILE ? $stat[7] - MAX_FILE : 0;
    my $text = read_from($handle, $path, $begin, $stat[7] - $begin);
    my ($stale, $headers, @cuts) = (0);
    for my $message (mbox_messages($text, $begin == 0)) {
        my ($from, $to) = @$message;
        my $own = headers_of(substr $text, $from, $to - $from);
        my $is = message_is($request, $own);
        $headers = $own if $is eq 'wanted';
        $stale++ if $is eq 'stale';
        push @cuts, $message if $is eq 'stale' || $is eq 'wanted' && !$request->{keep};
    }
    my %answer = (found => bool(defined $headers), headers => $headers, stale => num($stale));
    return \%answer unless @cuts;

    my $first = $cuts[0][0];
    substr $text, $_->[0], $_->[1] - $_->[0], '' for reverse @cuts;
    rewrite_end($handle, $path, $begin + $first, substr $text, $first);
    if ($request->{created} && $begin + length $text == 0) {
        unlink $path or refuse("cannot remove the empty mailbox $path: $!");
    }
    return \%answer;
}

# Makes the file end with these bytes from the offset on. In place, as mail(1) does it too: whoever waits for the
# lock has this very file open. Most often there are no such bytes, and the file is only cut.
sub rewrite_end {
    my ($handle, $path, $offset, $bytes) = @_;
    sysseek $handle, $offset, 0 or refuse("cannot go to byte $offset of $path: $!");
    my $at = 0;
    while ($at < length $bytes) {
        my $count = syswrite $handle, $bytes, length($bytes) - $at, $at;
        refuse("cannot write $path: $!") unless defined $count;
        $at += $count;
    }
    truncate $handle, $offset + length $bytes or refuse("cannot cut $path: $!");
    $handle->sync;
    return;
}

sub take_maildir {
    my ($request, $path) = @_;
    my @stat = lstat $path;
    return { found => bool(0) } if !@stat && $!{ENOENT};
    refuse("cannot look at the mailbox $path: $!") unless @stat;
    refuse("the mailbox $path is not a folder") unless S_ISDIR($stat[2]);
    my ($headers, $stale) = (undef, 0);
    for my $part ('new', 'cur') {
        my $folder = "$path/$part";
        my %time = map { $_ => /\A([0-9]{1,12})/ ? $1 : 0 } @{ list_folder($folder) || [] };
        my @names = sort { $time{$b} <=> $time{$a} || $a cmp $b } keys %time;
        splice @names, MAX_MAILDIR if @names > MAX_MAILDIR;
        for my $name (@names) {
            sysopen my $handle, "$folder/$name", O_RDONLY | O_NOFOLLOW | O_NONBLOCK or next;
            my @message = stat $handle;
            next unless @message && S_ISREG($message[2]);
            my $own = headers_of(read_from($handle, "$folder/$name", 0, MAX_HEADERS));
            my $is = message_is($request, $own) or next;
            if ($is eq 'wanted') { $headers = $own }
            else                 { $stale++ }
            next if $is eq 'wanted' && $request->{keep};
            unlink "$folder/$name" or refuse("cannot remove $folder/$name: $!");
        }
    }
    if ($request->{created}) {
        rmdir "$path/$_" for qw(new cur tmp);
        rmdir $path;
    }
    return { found => bool(defined $headers), headers => $headers, stale => num($stale) };
}

sub op_take_message {
    my ($request, $ok, $fail) = @_;
    my $path = path_of($request, 'path');
    string_of($request, $_) for qw(messageId domain locks);
    my $take = string_of($request, 'kind') eq 'maildir' ? \&take_maildir : \&take_mbox;
    refuse("the mailbox is locked by '$request->{locks}', of which this knows only flock and dotlock")
        if $take == \&take_mbox && $request->{locks} !~ /flock|dotlock/;
    my ($uid, $gid) = mailbox_rights($request, $path);
    my $until = now() + seconds_of($request, 'timeoutMs', RUN_DEADLINE);
    my $attempt;
    $attempt = sub {
        return if $leaving;
        my $answer = eval { as_user($uid, $gid, sub { $take->($request, $path) }) };
        my $fault = $@ ? as_fault($@) : undef;
        return after(LOCK_POLL, $attempt) if !$answer && !$fault && now() < $until;
        undef $attempt;
        return $ok->($answer) if $answer;
        $fail->($fault || { kind => 'refused', message => "somebody else holds the lock of the mailbox $path" });
    };
    $attempt->();
    return;
}

# ---------------------------------------------------------------------------------------------------
# Judging a candidate configuration
# ---------------------------------------------------------------------------------------------------

use constant JUDGE_PREFIX => '/tmp/pulumi-openbsd-postfix-';

# The private folder's name has our process id: what a killed agent left behind is known by its process
# being gone.
sub judge_folder {
    for my $left (glob JUDGE_PREFIX . '*') {
        my @stat = lstat $left or next;
        my ($pid) = $left =~ /-([0-9]+)-[a-z0-9]{8}\z/ or next;
        next if !S_ISDIR($stat[2]) || $stat[4] != $> || $pid == $$ || kill 0, $pid;
        remove_tree($left);
    }
    my $folder = JUDGE_PREFIX . "$$-" . random_name();
    mkdir $folder, 0700 or refuse("cannot make the folder $folder: $!");
    $litter{$folder} = 1;
    return $folder;
}

sub inside {
    my ($folder, $name) = @_;
    refuse("'$name' is not a path inside the candidate's folder")
        if $name eq '' || $name =~ m{\A/} || $name =~ /\0/ || grep { $_ eq '..' || $_ eq '' } split m{/}, $name;
    return "$folder/$name";
}

# May this command run on the candidate in that folder? postfix(1) and postconf(1) must be told to use
# it; what is built by postmap(1) and postalias(1) must lie in it.
sub may_judge {
    my ($folder, $name, @words) = @_;
    my $program = base_of($name);
    my $own = qr{\A\Q$folder\E(?:/|\z)};
    if ($program eq 'postfix') {
        return @words == 3 && $words[0] eq '-c' && $words[1] =~ $own && $words[2] eq 'check';
    }
    return postconf_looks(@words) if $program eq 'postconf';
    return 0 unless $program eq 'postmap' || $program eq 'postalias';
    return 1 if table_looks(@words);
    my ($seen, @tables) = options_of('cNnoprvw', 'c', @words);
    return @tables && !grep { my $file = $_; $file =~ s/\A[a-z]+://; $file !~ $own || $file =~ m{/\.\./} } @tables;
}

# `postfix check` makes and repairs the queue of the configuration that it checks: a candidate that
# does not name a queue of its own would have it work on the live one.
sub check_own_queue {
    my ($folder, $words, $files) = @_;
    my $main = substr "$words->[2]/main.cf", length($folder) + 1;
    my $text = $files->{$main};
    refuse("the candidate has no $main") unless defined $text;
    for my $name (qw(queue_directory data_directory)) {
        my @values = $text =~ /^$name[ \t]*=[ \t]*(.*)$/mg;
        refuse("the candidate's main.cf must set $name to a folder of its own, once")
            if @values != 1 || index($values[0], "$folder/") != 0;
    }
    return;
}

sub op_judge {
    my ($request, $ok, $fail) = @_;
    my ($files, $commands) = @{$request}{qw(files commands)};
    refuse('a candidate is a dictionary of files and a list of commands')
        if ref $files ne 'HASH' || ref $commands ne 'ARRAY';
    my $folder = judge_folder();
    my $place = sub { my ($text) = @_; $text =~ s/\{dir\}/$folder/g; return $text };
    my $clean = sub { remove_tree($folder); delete $litter{$folder}; return };
    my @answers;
    my $prepared = eval {
        my %placed = map { $_ => $place->($files->{$_}) } keys %$files;
        write_candidate($folder, $request->{folders} || [], \%placed);
        for my $command (@$commands) {
            my @argv = map { $place->($_) } argv_of($command);
            $command->{argv} = \@argv;
            refuse("'@argv' is not on the list of programs that judge") unless may_judge($folder, @argv);
            check_own_queue($folder, \@argv, \%placed) if base_of($argv[0]) eq 'postfix';
        }
        1;
    };
    if (!$prepared) {
        my $fault = as_fault($@);
        $clean->();
        die $fault;
    }
    my $deadline = seconds_of($request, 'timeoutMs', RUN_DEADLINE);
    my @rest = @$commands;
    my $next;
    $next = sub {
        my $command = shift @rest;
        if (!$command) {
            undef $next;
            $clean->();
            return $ok->(\@answers);
        }
        run_program(
            argv    => $command->{argv},
            tty     => $command->{tty} ? 'stderr' : undef,
            cwd     => $folder,
            env     => environment_of({}),
            timeout => $deadline,
            done    => sub {
                my ($result) = @_;
                if ($result->{fault}) {
                    undef $next;
                    $clean->();
                    return $fail->($result->{fault});
                }
                push @answers, $result;
                $next->();
            },
        );
    };
    $next->();
    return;
}

sub write_candidate {
    my ($folder, $folders, $files) = @_;
    for my $path (map({ inside($folder, $_) } @$folders), map { parent_of(inside($folder, $_)) } keys %$files) {
        my $made = $folder;
        for my $step (split m{/}, substr $path, length $folder) {
            next if $step eq '';
            $made .= "/$step";
            mkdir $made, 0755 or $!{EEXIST} or refuse("cannot make the folder $made: $!");
        }
    }
    for my $name (sort keys %$files) {
        my $path = inside($folder, $name);
        sysopen my $handle, $path, O_WRONLY | O_CREAT | O_EXCL, 0644 or refuse("cannot make $path: $!");
        my $count = syswrite $handle, $files->{$name};
        refuse("cannot write $path: $!") if !defined $count || $count != length $files->{$name};
        close $handle or refuse("cannot write $path: $!");
        # Postfix waits until a file that it reads is two seconds old, lest it be written still
        # (dict_load_file): every program that judges would wait.
        my $old = time - 60;
        utime $old, $old, $path or refuse("cannot set the time of $path: $!");
    }
    return;
}

# ---------------------------------------------------------------------------------------------------
# Jobs: programs that outlive the connection. A supervisor, detached from us, starts the program with
# its output in a file, waits for it and writes down how it ended. It holds a lock on the file `pid` for
# as long as it lives, so that being alive is never guessed from a process id.
# ---------------------------------------------------------------------------------------------------

sub job_folder {
    my ($request) = @_;
    my $key = string_of($request, 'key');
    refuse("'$key' cannot be the key of a job: letters, digits, '_', '-' and '.' only, at most 100")
        if $key !~ /\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\z/;
    return "$record/jobs/$key";
}

sub op_start_job {
    my ($request, $ok) = @_;
    my $folder = job_folder($request);
    start_job($folder, $request) unless -d $folder;
    $ok->(job_state($folder, 0));
    return;
}

sub start_job {
    my ($folder, $request) = @_;
    my @argv = argv_of($request);
    my $file = find_program($argv[0]);
    fault('program', "there is no program '$argv[0]' on the host") unless defined $file;
    my $cwd = defined $request->{cwd} ? path_of($request, 'cwd') : '/';
    refuse("the folder $cwd does not exist") unless -d $cwd;
    my %job = (argv => \@argv, env => environment_of({}), cwd => $cwd, file => $file);
    mkdir "$record/jobs", 0700 or $!{EEXIST} or refuse("cannot make the folder $record/jobs: $!");
    my $new = parent_of($folder) . '/.new-' . base_of($folder);
    remove_tree($new);
    mkdir $new, 0700 or refuse("cannot make the folder $new: $!");

    pipe my $ready_read, my $ready_write or die "pipe: $!\n";
    my $pid = fork;
    die "cannot fork: $!\n" unless defined $pid;
    if (!$pid) {
        eval { detach($ready_write); supervise($new, $folder, \%job, $ready_write) };
        syswrite $ready_write, "failed: $@";
        POSIX::_exit(1);
    }
    close $ready_write;
    waitpid $pid, 0;
    my ($said, $until) = ('', now() + 10);
    while ($said !~ /\n/ && now() < $until) {
        my $ready = '';
        vec($ready, fileno $ready_read, 1) = 1;
        next unless select($ready, undef, undef, 0.5) > 0;
        my $count = sysread $ready_read, $said, 1024, length $said;
        last if defined $count ? !$count : !$!{EINTR};
    }
    return if $said eq "started\n";
    remove_tree($new);
    chomp $said;
    refuse("the job could not be started: " . ($said eq '' ? 'its supervisor said nothing' : $said));
}

# Leaves the agent: a new session, a second fork so that it can never get a terminal again, and none of
# the agent's handles. Above all not that of the section's lock, which would stay held with it.
sub detach {
    my ($keep) = @_;
    POSIX::setsid();
    $SIG{$_} = 'DEFAULT' for qw(CHLD PIPE TERM INT);
    $SIG{HUP} = 'IGNORE';
    my $pid = fork;
    POSIX::_exit(0) if !defined $pid || $pid;
    my $null = POSIX::open('/dev/null', POSIX::O_RDWR());
    POSIX::dup2($null, $_) for 0 .. 2;
    my $most = POSIX::sysconf(POSIX::_SC_OPEN_MAX()) || 256;
    $most = 1024 if $most > 1024;
    for my $fd (3 .. $most - 1) {
        POSIX::close($fd) if $fd != fileno $keep;
    }
    return;
}

# The life of a supervisor; does not return. The folder gets its name only when all is in it and the
# lock is held: a job that has a name has been started.
sub supervise {
    my ($new, $folder, $job, $ready) = @_;
    chdir '/' or die "cannot go to /: $!\n";
    umask 077;
    sysopen my $pid_file, "$new/pid", O_RDWR | O_CREAT | O_EXCL, 0600 or die "cannot make its pid file: $!\n";
    flock $pid_file, LOCK_EX or die "cannot lock its pid file: $!\n";
    syswrite $pid_file, "$$\n";
    my @words = @{ $job->{argv} };
    for my $word (@words) { $word =~ s/\\/\\\\/g; $word =~ s/\n/\\n/g }
    put_small("$new/argv", join '', map { "$_\n" } @words);
    sysopen my $log, "$new/log", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600 or die "cannot make its log: $!\n";
    rename $new, $folder or die "cannot name its folder: $!\n";
    sync_folder(parent_of($folder));

    sysopen my $null, '/dev/null', O_RDONLY or die "cannot open /dev/null: $!\n";
    my $child = spawn($job->{file}, $job, $null, $log, $log, undef);
    if (!$child) {
        syswrite $log, "$job->{argv}[0] cannot be executed: $!\n";
        put_small("$folder/status", "exit 126\n");
    }
    syswrite $ready, "started\n";
    POSIX::_exit(0) unless $child;
    close $ready;
    while (waitpid($child, 0) != $child) { last unless $!{EINTR} }
    my $signal = $? & 127;
    my $status = $signal ? 'signal ' . ($SIGNAL_NAMES[$signal] || $signal) : 'exit ' . ($? >> 8);
    eval { put_small("$folder/status", "$status\n") };
    POSIX::_exit(0);
}

# A small file of ours, complete or not there.
sub put_small {
    my ($path, $text) = @_;
    my $temporary = "$path.new";
    unlink $temporary;
    my $gid = $> ? (split ' ', $))[0] : 0;
    make_file($temporary, $text, 0600, $>, $gid);
    rename $temporary, $path or die "cannot make $path: $!\n";
    delete $litter{$temporary};
    sync_folder(parent_of($path));
    return;
}

# Order matters: first whether the supervisor lives, then its status, then the log; so "ended" always
# comes with the log as it is at the end.
sub job_state {
    my ($folder, $offset) = @_;
    my %state = (state => 'lost', exitCode => undef, signal => undef, log => '', offset => num($offset));
    return \%state unless -d $folder;
    $state{state} = 'running' if job_lives($folder);
    if (sysopen my $handle, "$folder/status", O_RDONLY | O_NOFOLLOW) {
        sysread $handle, my ($text), 100;
        $state{state} = 'ended';
        $state{exitCode} = num($1) if $text =~ /\Aexit ([0-9]+)/;
        $state{signal} = $1 if $text =~ /\Asignal (\w+)/;
    }
    if (sysopen my $handle, "$folder/log", O_RDONLY | O_NOFOLLOW) {
        $state{log} = read_from($handle, "$folder/log", $offset, MAX_LOG);
        $state{offset} = num($offset + length $state{log});
    }
    return \%state;
}

sub job_lives {
    my ($folder) = @_;
    sysopen my $handle, "$folder/pid", O_RDWR | O_NOFOLLOW or return 0;
    return !flock $handle, LOCK_SH | LOCK_NB;
}

sub op_poll_job {
    my ($request, $ok) = @_;
    my $offset = $request->{offset} || 0;
    refuse('the offset must not be negative') if $offset < 0;
    $ok->(job_state(job_folder($request), $offset));
    return;
}

sub op_forget_job {
    my ($request, $ok) = @_;
    my $folder = job_folder($request);
    refuse('the job ' . base_of($folder) . ' is still running') if job_lives($folder);
    remove_tree($folder);
    rmdir "$record/jobs";
    $ok->({});
    return;
}

# ---------------------------------------------------------------------------------------------------
# Requests
# ---------------------------------------------------------------------------------------------------

# Who and what we are, by the host's own programs: POSIX::uname would not see a changed PATH.
sub op_hello {
    my ($request, $ok, $fail) = @_;
    $record = path_of($request, 'record') if defined $request->{record};
    $silence = seconds_of($request, 'silenceMs', $silence);
    watch_silence();
    my %facts = (
        protocol => num(PROTOCOL),
        uid      => num($>),
        perl     => sprintf('%vd', $^V),
        pid      => num($$),
    );
    my %wanted = (name => '-s', release => '-r', machine => '-m', hostname => '-n');
    my $left = keys %wanted;
    for my $fact (keys %wanted) {
        run_program(
            argv    => ['uname', $wanted{$fact}],
            env     => environment_of({}),
            timeout => PROBE_DEADLINE,
            done    => sub {
                my ($result) = @_;
                $facts{$fact} = defined $result->{stdout} ? $result->{stdout} : '';
                $facts{$fact} =~ s/\s+\z//;
                return if --$left;
                my @missing = grep { $facts{$_} eq '' } sort keys %wanted;
                return $ok->(\%facts) unless @missing;
                $fail->({ kind => 'program', message => "uname $wanted{$missing[0]} says nothing" });
            },
        );
    }
    return;
}

# All facts of one request; the answer goes out when the last of them is known.
sub op_read {
    my ($request, $ok, $fail) = @_;
    my $facts = $request->{facts};
    refuse('the request lacks its facts') if ref $facts ne 'HASH';
    my $deadline = seconds_of($request, 'timeoutMs', PROBE_DEADLINE);
    my (%answers, $failed);
    my $left = keys %$facts;
    return $ok->({}) unless $left;
    for my $name (sort keys %$facts) {
        my $done = sub {
            my ($answer) = @_;
            return if $failed;
            if (ref $answer eq 'HASH' && $answer->{fault}) {
                $failed = 1;
                return $fail->($answer->{fault});
            }
            $answers{$name} = $answer;
            $ok->(\%answers) unless --$left;
        };
        my $asked = eval { look_at($facts->{$name}, $deadline, $done); 1 };
        $done->({ fault => as_fault($@) }) unless $asked;
        last if $failed;
    }
    return;
}

sub look_at {
    my ($fact, $deadline, $done) = @_;
    refuse('a fact must be a dictionary') if ref $fact ne 'HASH';
    my $kind = string_of($fact, 'fact');
    return $done->(file_state(path_of($fact, 'path'), !$fact->{stat})) if $kind eq 'file';
    return $done->(list_folder(path_of($fact, 'path'))) if $kind eq 'list';
    return $done->(tree_of(path_of($fact, 'path'))) if $kind eq 'tree';
    return probe($fact, $deadline, $done) if $kind eq 'probe';
    return $done->(tail_of(path_of($fact, 'path'), $fact->{offset} || 0, $fact->{limit} || 0)) if $kind eq 'tail';
    if ($kind eq 'user') {
        my @user = getpwnam string_of($fact, 'name');
        return $done->(@user ? { uid => num($user[2]), gid => num($user[3]), home => $user[7] } : undef);
    }
    if ($kind eq 'group') {
        my @group = getgrnam string_of($fact, 'name');
        return $done->(@group ? { gid => num($group[2]) } : undef);
    }
    return banner($fact, $done) if $kind eq 'banner';
    refuse("there is no fact '$kind'");
}

# The first line that a service says, within its time; a last line may lack its end.
sub banner {
    my ($fact, $done) = @_;
    my $said = '';
    my $hear;
    connect_stream(
        host    => string_of($fact, 'host'),
        port    => string_of($fact, 'port'),
        timeout => seconds_of($fact, 'timeoutMs', 5),
        opened  => sub {
            my ($stream, $why) = @_;
            return $done->({ error => $why }) unless $stream;
            $hear = sub {
                my ($heard_now) = @_;
                $said .= $heard_now->{bytes} // '';
                my $error = $heard_now->{error};
                $error = 'the service closed the connection' if $heard_now->{end};
                $error = 'the service sent a line of more than ' . MAX_LINE . ' bytes' if length $said > MAX_LINE;
                if (!defined $error && $said !~ /\n/) { return receive_from($stream, $hear) }
                undef $hear;
                end_stream($stream, 'over');
                return $done->({ line => $1 }) if $said =~ /\A([^\n]*?)\r?\n/;
                $done->({ error => $error });
            };
            receive_from($stream, $hear);
        },
    );
    return;
}

sub op_run {
    my ($request, $ok, $fail) = @_;
    my @argv = argv_of($request);
    run_program(
        argv    => \@argv,
        tty     => $request->{tty} ? 'both' : undef,
        cwd     => defined $request->{cwd} ? path_of($request, 'cwd') : '/',
        env     => environment_of($request),
        timeout => seconds_of($request, 'timeoutMs', RUN_DEADLINE),
        done    => sub {
            my ($result) = @_;
            return $fail->($result->{fault}) if $result->{fault};
            return $ok->($result) unless $result->{notFound};
            $fail->({ kind => 'program', message => "there is no program '$argv[0]' on the host" });
        },
    );
    return;
}

# Those that look, and those that need the section.
my %LOOKING = (
    hello => \&op_hello,
    ping  => sub { $_[1]->({}) },
    read  => \&op_read,
    judge => \&op_judge,
    begin => \&op_begin,
    end   => \&op_end,
);
my %CHANGING = (
    write       => \&op_write,
    remove      => \&op_remove,
    directory   => \&op_directory,
    run         => \&op_run,
    startJob    => \&op_start_job,
    pollJob     => \&op_poll_job,
    forgetJob   => \&op_forget_job,
    connect     => \&op_connect,
    receive     => \&op_receive,
    send        => \&op_send,
    disconnect  => \&op_disconnect,
    copyTree    => \&op_copy_tree,
    pruneTree   => \&op_prune_tree,
    move        => \&op_move,
    takeMessage => \&op_take_message,
);

sub dispatch {
    my ($request, $ok, $fail) = @_;
    my $op = $request->{op};
    if (my $change = $CHANGING{$op}) {
        check_section($request);
        return $change->($request, $ok, $fail);
    }
    my $look = $LOOKING{$op} or refuse("the agent knows no request '$op'");
    return $look->($request, $ok, $fail);
}

# ---------------------------------------------------------------------------------------------------
# Coming and going
# ---------------------------------------------------------------------------------------------------

# A client that is there but silent (its machine sleeps, the line is cut without a word) must not hold
# the lock for ever.
sub watch_silence {
    if ($section && now() - $heard > $silence) {
        print {*STDERR} "agent: nothing heard for $silence s; giving the write section up\n";
        $leaving = 1;
    }
    cancel($silence_watch);
    $silence_watch = after($silence < 20 ? $silence / 4 : 5, \&watch_silence);
    return;
}

# Ends what runs, waits for it, and only then gives the lock back: a program that is still changing
# things is still inside its section.
sub leave {
    delete $readers{0};
    @waiting = ();
    for my $p (values %programs) { $p->{done} = sub { }; end_program($p) }
    turn() while %programs;
    for my $path (keys %litter) { remove_tree($path) }
    release();
    flush_output();
    return;
}

sub main {
    binmode $_ for *STDIN, *STDOUT;
    $SIG{PIPE} = 'IGNORE';
    $SIG{CHLD} = sub { };    # only so that select(2) is interrupted
    $SIG{$_} = sub { $leaving = 1 } for qw(HUP INT TERM);
    umask 022;
    chdir '/' or die "cannot go to /: $!\n";
    set_nonblocking(*STDIN);
    set_nonblocking(*STDOUT);
    $heard = now();
    $output = MAGIC;
    $writers{1} = \&flush_output;
    $readers{0} = \&read_input;
    watch_silence();

    # Perl may have read requests along with the end of this program's text: they are in STDIN's
    # buffer, which sysread does not see. What read returns short of leaves nothing in it.
    while ((read(STDIN, $input, 65_536, length $input) || 0) == 65_536) { }
    take_frames();
    if (!eval { turn() until $leaving; 1 }) {
        print {*STDERR} "agent: $@";
        $leaving = 1;
    }
    leave();
    return;
}

main();
exit 0;
