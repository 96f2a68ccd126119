#!/usr/bin/perl
#
# The agent: the program that runs on the host while a connection is open. It is sent over an SSH channel
# to `perl -` and then reads requests from the same stream; it is never written to the host's disk. It
# runs as root on mail servers, so it can do little, and refuses what it is not sure of:
#
#   - Programs are started from argument lists, without a shell.
#   - Outside a write section (begin ... end, one per host, held by flock(2)) it only looks: it reads
#     files, and runs programs only with arguments of which %PROBES says that they change nothing.
#   - It is one process with one select(2) loop. Requests are answered by id, in any order.
#   - When its input ends it ends its programs (but not its jobs), releases the lock and exits.
#
# Syntax and modules are those of Perl 5.10.1, which OpenBSD 4.7 has in base (tools/lint-agent.mjs).
#
# Wire format, both ways: a length (4 bytes, most significant first), then that many bytes of bencode:
# integers i7e, byte strings 4:spam, lists l...e, dictionaries d...e, extended by n (null), t (true) and
# f (false). Bencode, because JSON::PP came to Perl's core with 5.14, and JSON cannot carry bytes.

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
    MAX_TEXT       => 64 * 1024 * 1024,    # a larger file is only described: MAX_TEXT of fileState.ts
    MAX_INLINE     => 4 * 1024 * 1024,     # of a larger file the client asks the contents in pieces
    MAX_CARRIED    => 16 * 1024 * 1024,    # of all files in one answer
    MAX_KEPT       => 8 * 1024 * 1024,     # of all files that need not be sent again
    MAX_MBOX       => 16 * 1024 * 1024,    # at the end of an mbox, in which a message is looked for
    MAX_OUTPUT     => 4 * 1024 * 1024,     # of each stream of a program; the rest is dropped
    MAX_LOG        => 1024 * 1024,         # of a job's log in one answer
    MAX_LINE       => 64 * 1024,           # of the first line of a TCP service
    MAX_PEM        => 1024 * 1024,         # of a file with certificates and keys
    MAX_CHUNK      => 64 * 1024,           # of a connection's bytes in one answer
    MAX_STREAMS    => 8,                   # connections to TCP services at the same time
    MAX_TREE       => 20_000,              # entries of a tree
    MAX_TREE_BYTES => 256 * 1024 * 1024,   # in all its files
    MAX_COUNTED    => 20_000,              # entries below a folder whose files are counted
    MAX_MAILDIR    => 1000,                # messages of a maildir that are read, newest first
    MAX_HEADERS    => 64 * 1024,           # of a message
    WORK_SLICE     => 0.2,                 # seconds of work on a tree before other requests get a turn
    MAX_PROGRAMS   => 16,                  # at the same time; further ones wait
    KILL_AFTER     => 5,                   # seconds from TERM to KILL
    DRAIN_QUIET    => 0.25,                # see drain
    DRAIN_TOTAL    => 5,
    LOCK_POLL      => 0.1,
    JOB_POLL       => 0.05,
    JOB_SETTLE     => 30,                  # seconds for what the program of a job has started to end after it
    PROBE_DEADLINE => 30,
    RUN_DEADLINE   => 60,
    PATH           => '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin',
};

my @SIGNAL_NAMES = split ' ', $Config::Config{sig_name};

# ---------------------------------------------------------------------------------------------------
# State
# ---------------------------------------------------------------------------------------------------

my $record   = '/var/db/pulumi-openbsd-postfix';    # the folder of the record, the lock and the jobs
my $silence  = 120;     # after so many seconds without a word from the client a section is given up
my $silence_watch;      # the timer of watch_silence
my $heard    = 0;       # when the client was last heard
my $input    = '';      # bytes that take_frames has not taken yet
my $output   = '';      # bytes to write
my $leaving  = 0;       # set when the input has ended, or a signal has come
my %readers;            # file number => code to call when it can be read
my %writers;            # the same for writing
my @timers;             # [when, code, cancelled]
my %programs;           # pid => a running program
my @waiting;            # programs to start when another one has ended
my %streams;            # connections to TCP services, by number
my $last_stream = 0;
my %uploads;            # writes whose bytes come in pieces, by number
my $last_upload = 0;
my %candidates;         # folders of candidates whose files come in pieces, by number
my $last_candidate = 0;
my $section;            # the write section that is open: { token, lock, open, ending, came, behind }
my $beginning;          # the write section that waits for the lock: { token, requests }
my %kept;               # path => [SHA-256, size] of files whose contents the client has
my $room = 0;           # bytes of files that the answer may still carry
my %litter;             # path => 1 of temporary files and folders, removed at the latest on exit

# ---------------------------------------------------------------------------------------------------
# Values on the wire
# ---------------------------------------------------------------------------------------------------

# Perl does not tell 7 from "7": numbers and truth values are wrapped; all other scalars are byte strings.
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

# Decodes the value at pos() of the string behind the reference; dies when it is malformed.
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

# False, and nothing is sent, for a value that the other side would refuse because of its size.
sub send_value {
    my ($value) = @_;
    my $bytes = encode($value);
    return 0 if length $bytes > MAX_FRAME;
    $output .= pack('N', length $bytes) . $bytes;
    $writers{1} = \&flush_output;
    return 1;
}

sub reply_fail { my ($id, $fault) = @_; send_value({ id => num($id), error => $fault }); return }

sub reply {
    my ($id, $value) = @_;
    return 1 if send_value({ id => num($id), ok => $value });
    reply_fail($id, { kind => 'refused', message => 'the answer has more than ' . MAX_FRAME . ' bytes' });
    return 0;
}

# Ends the current request with an error, whose kind is a HostErrorKind of errors.ts.
sub fault {
    my ($kind, $message, %more) = @_;
    die { kind => $kind, message => $message, %more };
}
sub refuse { my ($message) = @_; return fault('refused', $message) }

# The fault to send for whatever was thrown.
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

# An absolute path, without a slash at its end.
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

# A time that setting the clock does not change; the time of the clock where the system has none.
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

# The end of a child does not always wake select(2): its pipes may stay open, and Perl runs signal handlers
# late. While children live, select(2) therefore returns ten times a second.
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

# The path at the end of a chain of links, with its folders resolved. Nothing need be there; undef when its
# folder does not exist.
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
    return undef;                                           ## no critic: too many links
}

# Opens a regular file for reading; does not follow a link or wait for a pipe that has taken its place. Returns
# the handle and fstat(2).
sub open_regular {
    my ($path) = @_;
    sysopen my $handle, $path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK or refuse("cannot open $path: $!");
    my @stat = stat $handle or refuse("cannot look at $path: $!");
    refuse("$path stopped being a file while it was looked at") unless S_ISREG($stat[2]);
    return ($handle, @stat);
}

# Reads a regular file. Returns the contents when they have no more bytes than the limit, the digest, and fstat(2).
# Without a limit only the digest is wanted.
sub read_regular {
    my ($path, $limit) = @_;
    my ($handle, @stat) = open_regular($path);
    my $digest = Digest::SHA->new(256);
    my $contents = defined $limit ? '' : undef;
    while (1) {
        my $count = sysread $handle, my ($chunk), 1_048_576;
        refuse("cannot read $path: $!") unless defined $count;
        last unless $count;
        $digest->add($chunk);
        next unless defined $contents;
        if   (length($contents) + $count > $limit) { $contents = undef }
        else                                       { $contents .= $chunk }
    }
    return ($contents, $digest->hexdigest, @stat);
}

# The state of a path, for the facts 'stat', 'digest' and 'file' (host.ts).
sub file_state {
    my ($path, $fact) = @_;
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
            $link{file} = file_state($end, $fact);
        }
        return \%link;
    }
    return { type => S_ISDIR($stat[2]) ? 'directory' : 'other', owner_of(@stat) } unless S_ISREG($stat[2]);
    my %file = (type => 'file');
    if ($fact eq 'digest') { (undef, $file{sha256}, @stat) = read_regular($path) }
    if ($fact eq 'file') {
        my $contents;
        ($contents, $file{sha256}, @stat) = read_regular($path, $room < MAX_INLINE ? $room : MAX_INLINE)
            if $stat[7] <= MAX_TEXT;
        $room -= length($contents // '');
        if   (defined $contents) { $file{contents} = $contents }
        else                     { $file{uncarried} = $path }
    }
    delete $file{sha256} unless defined $file{sha256};
    return { %file, owner_of(@stat), size => num($stat[7]) };
}

# The fact 'pem': of a file with certificates and keys the labels of its parts and the texts of the certificates. No
# byte of anything else is told, so that a private key stays on the host. Null when there is no file.
sub pem_state {
    my ($path) = @_;
    my $end = follow($path);
    return undef if !defined $end || !-f $end;    ## no critic: null is the answer
    my ($handle, @stat) = open_regular($end);
    my $text = read_from($handle, $end, 0, MAX_PEM);
    my (@labels, $encrypted);
    my $certificates = '';
    while ($text =~ /^(-----BEGIN ([A-Z0-9 ]{1,60})-----[ \t]*\r?\n(.*?)^-----END \2-----)/gms) {
        my ($whole, $label, $body) = ($1, $2, $3);
        push @labels, $label;
        $encrypted = 1 if $label =~ /ENCRYPTED/ || $body =~ /^Proc-Type:.*ENCRYPTED/m;
        next unless $label =~ /\A(?:X509 |TRUSTED )?CERTIFICATE\z/;
        $certificates .= "$whole\n" if $body =~ m{\A[A-Za-z0-9+/=\s]*\z};
    }
    return { labels => \@labels, encrypted => bool($encrypted), certificates => $certificates };
}

# The fact 'digest'. A large file is read in turn with other requests, so that a ping is answered meanwhile.
sub digest_state {
    my ($path, $done) = @_;
    my $state = file_state($path, 'stat');
    my $file = $state->{type} eq 'symlink' ? $state->{file} : $state;
    return $done->($state) if !$file || $file->{type} ne 'file';
    my $end = $state->{type} eq 'symlink' ? $state->{resolved} : $path;
    my ($handle, @stat) = open_regular($end);
    my $digest = Digest::SHA->new(256);
    in_slices(
        sub {
            my $count = sysread $handle, my ($chunk), 1_048_576;
            refuse("cannot read $end: $!") unless defined $count;
            $digest->add($chunk);
            return $count;
        },
        sub {
            %$file = (%$file, owner_of(@stat), size => num($stat[7]), sha256 => $digest->hexdigest);
            $done->($state);
        },
        sub { $done->({ fault => $_[0] }) },
    );
    return;
}

# Does a piece of work again and again, in turn with other requests, until it returns false.
sub in_slices {
    my ($piece, $ok, $fail) = @_;
    my $next;
    $next = sub {
        my $until = now() + WORK_SLICE;
        my $more = 1;
        my $done = eval {
            $more = $piece->() while $more && now() < $until;
            1;
        };
        my $fault = $done ? undef : as_fault($@);
        return after(0, $next) if $done && $more;
        undef $next;
        return $fault ? $fail->($fault) : $ok->();
    };
    $next->();
    return;
}

# The group of new files: wheel for root, else the agent's own.
sub own_gid { return $> ? (split ' ', $))[0] : 0 }

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

# Everything in and under a folder, and the folder itself (path ''), sorted by path; null when nothing is
# there. A file or link is a tree of one entry. Links are not followed.
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
            next;                           # removed meanwhile
        }
        my %entry = (path => $path, type => 'other', owner_of(@stat));
        if (S_ISREG($stat[2])) {
            $bytes += $stat[7];
            refuse("$top holds more than " . MAX_TREE_BYTES . ' bytes') if $bytes > MAX_TREE_BYTES;
            (undef, my $digest, @stat) = read_regular($full);
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

# The fact 'count': the regular files below a folder, and its maildirs, of which each has one folder `cur`; null
# when nothing is there. Nothing is read and no link is followed. The owner of a folder may change it meanwhile:
# only numbers come of it.
sub count_files {
    my ($top) = @_;
    my ($files, $maildirs, $seen) = (0, 0, 0);
    my @left = ($top);
    while (@left && $seen < MAX_COUNTED) {
        my $path = shift @left;
        my @stat = lstat $path;
        if (!@stat) {
            refuse("cannot look at $path: $!") unless $!{ENOENT} || $!{ENOTDIR};
            return undef if $path eq $top;    ## no critic: null is the answer
            next;                             # removed meanwhile
        }
        $seen++;
        $files++ if S_ISREG($stat[2]);
        next unless S_ISDIR($stat[2]);
        $maildirs++ if $path ne $top && base_of($path) eq 'cur';
        push @left, map { under($path, $_) } @{ list_folder($path) || [] };
    }
    return { files => num($files), maildirs => num($maildirs), more => bool(scalar @left) };
}

# The digest of a tree, as treeDigest in tree.ts computes it. Mode and owner of links are left out, because
# nothing uses them.
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
    $limit = MAX_INLINE if $limit > MAX_INLINE;
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

# The file of a program: the name itself when it is a path, else the first of that name in PATH.
sub find_program {
    my ($name) = @_;
    my @candidates = $name =~ m{/} ? ($name) : map { "$_/$name" } split /:/, PATH;
    for my $file (@candidates) {
        return $file if -f $file && -x _;
    }
    return undef;    ## no critic: undef is the answer
}

# Starts a program now or when another one has ended. Takes argv, tty ('both' or 'stderr'), cwd, env,
# timeout (seconds) and done, which is called once with a RunResult (host.ts), { notFound } or { fault }.
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
# The program gets a session of its own, so that it has no terminal to ask at, and so that it can be ended
# with all its children.
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

# Runs in the child; does not return. execve(2) closes all handles but 0 to 2 ($^F).
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

# Reads a stream of a program into $p->{$name}. Bytes over the limit are read and dropped, so that the
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
    # Closing the master of a terminal sends the program a HUP, and many programs close their output a moment
    # before they end. finish_program closes it.
    close $handle if $handle && !($p->{terminal} && $handle == $p->{terminal});
    return;
}

# Ends a program at its deadline: TERM to its process group, KILL some seconds later. The request ends even
# if the process does not, as when it hangs on a disk.
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

# Reads on when a program has ended but a child still holds its output, as master(8) does after `postfix
# start`: until nothing came for DRAIN_QUIET seconds, and for DRAIN_TOTAL at most.
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
# Terminals. IO::Pty is not in Perl's core, so they are opened by ioctl(2) on ptm(4) of OpenBSD or ptmx(4)
# of Linux. Echo and output processing are turned off: the output comes back as the program wrote it.
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

# Makes a terminal the controlling one of the new session. An error is ignored: most programs need only a
# terminal, not a controlling one.
sub take_terminal {
    my ($slave) = @_;
    my $request = -e '/dev/ptm' ? BSD_TIOCSCTTY : TIOCSCTTY;
    ioctl $slave, $request, 0;
    return;
}

# ---------------------------------------------------------------------------------------------------
# Probes: programs with arguments that change nothing. Other programs, and other arguments, are refused, so
# that no request of a preview can change a host.
# ---------------------------------------------------------------------------------------------------

# Parses options as getopt(3) does, also several in one word (-ve is -v -e). $allowed has the letters of all
# options, $taking of those with an argument. Returns the letters that were found and the operands, or an
# empty list for an option that is not allowed.
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

# postmap(1) and postalias(1) change nothing with -q (look up a key) and -s (list all).
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
    openssl   => \&openssl_looks,
    # With another operand date(1) sets the clock.
    date      => words_are('+%s'),
);

# The public half of a private key. The empty passphrase keeps openssl(1) from asking for one.
sub openssl_looks {
    my ($command, @words) = @_;
    return if !defined $command || $command !~ /\A(?:pkey|rsa|ec)\z/ || @words != 5 || $words[1] !~ m{\A/};
    return "$words[0] @words[2 .. 4]" eq '-in -pubout -passin pass:';
}

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
    # make(1) is started in its folder, because the oldest releases have no -C.
    my $cwd = defined $from->{cwd} ? path_of($from, 'cwd') : '/';
    refuse("a program that only looks is not started in $cwd")
        unless $cwd eq '/' || base_of($argv[0]) eq 'make' && $cwd =~ m{\A/usr/ports/} && $cwd !~ m{/\.\.(?:/|\z)};
    return $done->({ notFound => bool(1) }) unless -d $cwd;
    # ProbeEnvironment of host.ts.
    my %variables = map { exists $from->{env}{$_} ? ($_ => $from->{env}{$_}) : () } qw(PKG_PATH);
    run_program(
        argv    => \@argv,
        cwd     => $cwd,
        env     => environment_of({ env => \%variables }),
        timeout => $deadline,
        done    => $done,
    );
    return;
}

# ---------------------------------------------------------------------------------------------------
# Connections to TCP services, whose bytes are relayed. Nothing is buffered here: the socket is read only for
# a receive request, and a send request is answered when the kernel has taken all its bytes.
# ---------------------------------------------------------------------------------------------------

# Takes host, port, timeout (seconds from opening to closing) and opened, which is called once with the
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

# Names are not resolved: that would block the loop, and Perl 5.10 cannot resolve to IPv6 addresses.
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

# Calls done once with {} when the kernel has taken all bytes, or with { error }.
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

# Closes a connection; requests that wait for it get the reason.
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
    refuse('another request waits for the bytes of this connection') if $stream->{receiving};
    receive_from($stream, $ok);
    return;
}

sub op_send {
    my ($request, $ok) = @_;
    my $stream = stream_of($request);
    refuse('another request is sending on this connection') if $stream->{sending};
    send_to($stream, string_of($request, 'bytes'), $ok);
    return;
}

sub op_disconnect {
    my ($request, $ok) = @_;
    end_stream(stream_of($request), 'the client closed the connection');
    delete $streams{ $request->{stream} };
    $ok->({});
    return;
}

# ---------------------------------------------------------------------------------------------------
# The write section, of which a host has one at a time. It holds a lock by flock(2), which the kernel
# releases when the process ends, however that happens.
# ---------------------------------------------------------------------------------------------------

sub lock_path { return "$record/lock" }

# Makes the folder of the record, or refuses one in which another user could have put something. False
# when it was removed meanwhile.
sub make_record {
    if (!mkdir $record, 0700) {
        refuse("cannot make the folder $record: $!") unless $!{EEXIST};
    }
    my @stat = lstat $record;
    return 0 unless @stat;    # the holder of the lock has removed it
    refuse("$record must be a directory of mode 0700, owned by uid $>")
        if !S_ISDIR($stat[2]) || $stat[4] != $> || ($stat[2] & 077);
    return 1;
}

# Tries once. Returns the handle that holds the lock, or nothing. The former holder may have removed the file
# in between (see release), so the locked file must be the one that the name leads to.
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
    refuse('a write section is already open on this connection') if $section || $beginning;
    my $until = now() + seconds_of($request, 'waitMs', 300);
    my $holder = '';
    my @behind;
    $beginning = { token => $token, requests => \@behind };
    my $attempt;
    my $give_up = sub {
        my ($fault) = @_;
        undef $attempt;
        undef $beginning;
        $fail->($fault);
        $_->[2]->($fault) for @behind;
        return;
    };
    $attempt = sub {
        return if $leaving;
        my $lock = eval { try_lock() };
        return $give_up->(as_fault($@)) if $@;
        if (!$lock) {
            my $seen = lock_holder();
            $holder = $seen if $seen ne '';
            return after(LOCK_POLL, $attempt) if now() < $until;
            return $give_up->({ kind => 'locked', message => 'the write lock is held', holder => $holder });
        }
        undef $attempt;
        undef $beginning;
        my $when = POSIX::strftime('%Y-%m-%d %H:%M:%S UTC', gmtime);
        my $text = join("\n", map { my $line = $_; $line =~ s/[\r\n]+/ /g; $line }
                $purpose, 'by ' . ($request->{from} || 'unknown'), "process $$", "since $when") . "\n";
        truncate $lock, 0;
        sysseek $lock, 0, 0;
        syswrite $lock, $text;
        $section = { token => $token, lock => $lock, open => 0 };
        $heard = now();
        remove_old_litter();
        $ok->({});
        dispatch_behind($_) for @behind;
    };
    $attempt->();
    return;
}

# Waits for the requests of the section that are under way.
sub op_end {
    my ($request, $ok) = @_;
    check_section($request);
    end_streams();
    $section->{ending} = sub { release(); $ok->({}) };
    end_if_over();
    return;
}

sub end_if_over {
    $section->{ending}->() if $section && $section->{ending} && !$section->{open};
    return;
}

# Does one request of the section, and notes whether it did what was asked, for those that come after it.
sub in_section {
    my ($work, $request, $ok, $fail) = @_;
    my ($held, $id, $is_over) = ($section, $request->{id});
    $held->{open}++;
    my $over = sub {
        my ($did) = @_;
        return if $is_over;
        $is_over = 1;
        $held->{open}--;
        note_came($held, $id, $did);
        end_if_over();
    };
    my $said = sub {
        my ($answer) = @_;
        my $sent = $ok->($answer);
        $over->(has_done($answer));
        return $sent;
    };
    my $refused = sub { $fail->(@_); $over->(0) };
    eval { $work->($request, $said, $refused); 1 } or $is_over or $refused->(as_fault($@));
    return;
}

# Whether an answer says that what was asked has been done: a file written or removed, a program run with success.
sub has_done {
    my ($answer) = @_;
    return 1 if ref $answer ne 'HASH';
    return 0 if defined $answer->{written} && !${ $answer->{written} };
    return !(defined $answer->{stdout} && !(defined $answer->{exitCode} && ${ $answer->{exitCode} } == 0));
}

# Notes whether a request did what was asked, and goes on with those that come after it.
sub note_came {
    my ($held, $id, $did) = @_;
    return unless defined $id;
    $held->{came}{$id} = $did;
    dispatch_behind($_) for @{ delete $held->{behind}{$id} || [] };
    return;
}

sub dispatch_behind {
    my ($next) = @_;
    eval { dispatch(@$next); 1 } or $next->[2]->(as_fault($@));
    return;
}

# Whether a request has to wait for another one of its section. Refuses it where that one did not do what was asked.
sub must_wait {
    my ($request, $ok, $fail) = @_;
    my $token = $request->{section};
    return 0 unless defined $token;
    if ($beginning && $token eq $beginning->{token}) {
        push @{ $beginning->{requests} }, [$request, $ok, $fail];
        return 1;
    }
    my $after = $request->{after};
    return 0 unless defined $after && $section && $token eq $section->{token};
    if (!defined $section->{came}{$after}) {
        push @{ $section->{behind}{$after} }, [$request, $ok, $fail];
        return 1;
    }
    return 0 if $section->{came}{$after};
    note_came($section, $request->{id}, 0);
    return fault('skipped', 'what was to be done before it has failed');
}

# Ends the section. A folder that holds nothing but the lock and an empty folder of jobs is removed, while
# the lock is still held, so that nothing stays on the host.
sub release {
    return unless $section;
    end_streams();
    give_up_write($_) for values %uploads;
    %uploads = ();
    my $lock = $section->{lock};
    undef $section;
    unlink litter_path() unless %litter;
    rmdir "$record/$_" for qw(jobs copies);
    # Without a record nothing on the host is ours any more, and there is nothing to go back to.
    disarm_watch() unless lstat "$record/record.json";
    rmdir watch_folder();
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
    refuse("'$request->{op}' is refused after the end of its write section") if $section->{ending};
    return;
}

# ---------------------------------------------------------------------------------------------------
# Folders that only root can change. Root writes, removes and renames only where no other user can put another
# file, folder or link under a name meanwhile: every folder from / on belongs to root (or to the agent's own
# user) and can be written to by it alone. The work is done from inside that folder, by plain names.
# ---------------------------------------------------------------------------------------------------

sub is_ours { my ($uid) = @_; return $uid == 0 || $uid == $> }

# Members of wheel are the administrators of the host: a folder that this group can write to is root's.
sub is_our_group { my ($gid) = @_; return $gid == 0 || $> && $gid == own_gid() }

sub user_name  { my ($uid) = @_; return (getpwuid $uid)[0] // "uid $uid" }
sub group_name { my ($gid) = @_; return (getgrgid $gid)[0] // "gid $gid" }

# Why users other than root can change what a name in a folder stands for; undef where none can. Takes the
# stat(2) of the folder, and lstat(2) of the entry, if there is one. What belongs to root in a sticky folder can
# be removed and renamed by root alone (sticky(8)).
sub why_open {
    my ($folder, $entry) = @_;
    my ($mode, $uid, $gid) = @{$folder}[2, 4, 5];
    return 'belongs to ' . user_name($uid) unless is_ours($uid);
    return undef unless $mode & 02 || $mode & 020 && !is_our_group($gid);    ## no critic: undef is the answer
    return undef if $mode & 01000 && $entry && is_ours($entry->[4]);         ## no critic
    return $mode & 02 ? 'can be written to by everybody' : 'can be written to by the group ' . group_name($gid);
}

sub refuse_open {
    my ($folder, $path, $why, @stat) = @_;
    my $mode = sprintf '%04o', $stat[2] & 07777;
    my ($user, $group) = (user_name($stat[4]), group_name($stat[5]));
    refuse("the folder $folder, through which $path is reached, $why ($user:$group, mode $mode): other users than"
            . " root could put another file or a link there while root writes. Give it to root"
            . " (chown root $folder; chmod go-w $folder), or use a path in a folder of root's");
}

# Goes to a folder, one name at a time, through folders and links that only root can change. Returns its path
# without links, and its stat(2).
sub enter {
    my ($folder, $path) = @_;
    my @left = grep { $_ ne '' && $_ ne '.' } split m{/}, $folder;
    my ($at, $links) = ('/', 0);
    chdir '/' or refuse("cannot go to /: $!");
    my @here = stat '.';
    while (@left) {
        my $name = shift @left;
        my @entry = lstat $name;
        if (!@entry) {
            fault('refused', "the folder of $path does not exist", noFolder => bool(1)) if $!{ENOENT};
            refuse('cannot look at ' . under($at, $name) . ": $!");
        }
        my $why = $name eq '..' ? undef : why_open(\@here, \@entry);
        refuse_open($at, $path, $why, @here) if defined $why;
        if (S_ISLNK($entry[2])) {
            my $target = readlink $name;
            refuse('cannot read the link ' . under($at, $name) . ": $!") unless defined $target;
            refuse("there are too many links on the way to $path") if ++$links > 32;
            unshift @left, grep { $_ ne '' && $_ ne '.' } split m{/}, $target;
            next unless $target =~ m{^/};
            chdir '/' or refuse("cannot go to /: $!");
            ($at, @here) = ('/', stat '.');
            next;
        }
        my $next = $name eq '..' ? parent_of($at) : under($at, $name);
        refuse("$next is not a folder") unless S_ISDIR($entry[2]);
        chdir $name or refuse("cannot go to $next: $!");
        ($at, @here) = ($next, stat '.');
        refuse("$at became another folder while it was looked at") if "@here[0, 1]" ne "@entry[0, 1]";
    }
    return ($at, @here);
}

# Calls code in the folder that holds a path, with the name of the path in it and the path without links in its
# folders. Refuses a folder in which another user could change that name.
sub in_folder {
    my ($path, $code) = @_;
    my $base = base_of($path);
    refuse("'$path' does not name something in a folder") if $base eq '' || $base eq '.' || $base eq '..';
    my ($folder, @stat, $answer);
    my $done = eval {
        ($folder, @stat) = enter(parent_of($path), $path);
        my @entry = lstat $base;
        my $why = why_open(\@stat, @entry ? \@entry : undef);
        # A sticky folder that one group can write to, as that of crontab(1), is no danger to a name that is free:
        # a new file is made under a random name, and takes a name that was free by link(2).
        $why = undef if !@entry && is_ours($stat[4]) && $stat[2] & 01000 && !($stat[2] & 02);
        $why //= 'can be written to by everybody' if $stat[2] & 02;
        refuse_open($folder, $path, $why, @stat) if defined $why;
        $answer = $code->($base, under($folder, $base));
        1;
    };
    my $fault = $@;
    chdir '/';
    die $fault unless $done;
    return $answer;
}

# fsync(2) on a folder makes a rename in it durable. A folder can only be opened for reading, and the
# IO::Handle::sync of old Perls needs a handle for writing, hence the second one. Errors are ignored: the
# renamed file is complete either way.
sub sync_folder {
    my ($folder) = @_;
    sysopen my $handle, $folder, O_RDONLY or return;
    open my $wrapped, '>&=', fileno $handle or return;
    $wrapped->sync;
    return;
}

# ---------------------------------------------------------------------------------------------------
# Files, changing
# ---------------------------------------------------------------------------------------------------

# The path of the file that a write to this path changes, behind links, in folders without links; and its lstat(2)
# when it exists. Refuses what could not be written.
sub write_target {
    my ($path) = @_;
    my ($target, $links) = ($path, 0);
    while (1) {
        my ($next, $found) = @{ in_folder($target, sub {
            my ($name, $full) = @_;
            return [undef, [$full, target_stat($name, $full)]] unless -l $name;
            refuse("$path is a link that leads round in a circle") if ++$links > 32;
            my $to = readlink $name;
            refuse("cannot read the link $full: $!") unless defined $to;
            $to =~ s{(?<=.)/+\z}{};
            return [$to =~ m{^/} ? $to : under(parent_of($full), $to)];
        }) };
        if ($found) {
            refuse("$path is a link that leads nowhere") if $links && @$found < 2;
            return @$found;
        }
        $target = $next;
    }
    return;    # never reached
}

# In the folder of a target: its lstat(2), without what an interrupted write has left there.
sub target_stat {
    my ($name, $full) = @_;
    my @stat = lstat $name;
    if (!@stat) {
        refuse("cannot look at $full: $!") unless $!{ENOENT};
        check_writable($name, $full);
        return;
    }
    my $kind = S_ISDIR($stat[2]) ? 'a folder' : S_ISFIFO($stat[2]) ? 'a pipe' : 'no regular file';
    refuse("$full is $kind, and only a regular file is written") unless S_ISREG($stat[2]);
    my $left = grep { my @other = lstat; @other && "@other[0, 1]" eq "@stat[0, 1]" } leftovers_of($name);
    refuse("$full has $stat[3] names (hard links), and only one of them would change: remove the others first")
        if $stat[3] - $left > 1;
    check_writable($name, $full);
    return @stat;
}

# In the folder of a path: refuses what root itself could not change.
sub check_writable {
    my ($name, $full) = @_;
    for my $what (-l $name ? () : -e $name ? $name : (), '.') {
        next if POSIX::access($what, POSIX::W_OK());
        refuse("$full cannot be changed: " . why_not($!));
    }
    return $full;
}

# access(2) tells root of what is immutable, and of what is mounted read-only.
sub why_not {
    my ($error) = @_;
    return 'it is on a disk that is mounted read-only' if $!{EROFS};
    return "it or its folder is immutable (see ls -lo, chflags(1)): $error" if $!{EPERM};
    return "$error";
}

# The fact 'place': the path without links, or why it cannot be changed. No folder is told apart, because it may
# come.
sub place_of {
    my ($path, $is_entry) = @_;
    my $real = eval { $is_entry ? in_folder($path, \&check_writable) : (write_target($path))[0] };
    return { real => $real } if defined $real;
    my $fault = as_fault($@);
    return { reason => $fault->{message}, noFolder => bool($fault->{noFolder}) };
}

sub expectation_of {
    my ($request) = @_;
    my $expect = $request->{expect};
    refuse('the request does not say what it expects to find')
        if ref $expect ne 'HASH' || 1 != grep { $expect->{$_} } qw(sha256 absent anything);
    return $expect;
}

# Whether the expected thing is at a path. The digest of a link is that of its target's name.
sub as_expected {
    my ($expect, $path) = @_;
    return 1 if $expect->{anything};
    my $state = file_state($path, 'digest');
    return $state->{type} eq 'absent' if $expect->{absent};
    return $state->{sha256} eq $expect->{sha256} if $state->{type} eq 'file';
    return Digest::SHA::sha256_hex($state->{target}) eq $expect->{sha256} if $state->{type} eq 'symlink';
    return 0;
}

sub random_name {
    my @letters = ('a' .. 'z', '0' .. '9');
    return join '', map { $letters[rand @letters] } 1 .. 8;
}

# In the folder of a file: the temporary names that an interrupted run has left. No other run can be using them,
# as this one holds the lock.
sub leftovers_of {
    my ($name) = @_;
    my $short = substr $name, 0, 200;
    return grep { /\A\.\Q$short\E\.pulumi-[a-z0-9]{8}\z/ } @{ list_folder('.') || [] };
}

# In the folder of a file: a temporary name for it, .<name>.pulumi-XXXXXXXX; in the same folder because rename(2)
# needs that. What an interrupted run has left under such names is removed.
sub temporary_for {
    my ($name, $full) = @_;
    for my $left (leftovers_of($name)) { unlink $left }
    my $temporary = '.' . substr($name, 0, 200) . '.pulumi-' . random_name();
    note_litter(under(parent_of($full), $temporary));
    return $temporary;
}

# Notes a temporary path in the folder of the record before it is made, so that the next write section can remove
# it if this agent is killed.
sub note_litter {
    my ($path) = @_;
    $litter{$path} = 1;
    return unless $section;
    sysopen my $handle, litter_path(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600
        or refuse('cannot open ' . litter_path() . ": $!");
    (my $line = $path) =~ s/\n/\0/g;
    my $count = syswrite $handle, "$line\n";
    refuse('cannot write ' . litter_path() . ": $!") unless defined $count && $count == length "$line\n";
    $handle->sync;
    return;
}

sub litter_path { return "$record/temporary" }

# Removes what an agent that was killed has left: temporary files whose paths it noted, and files and folders of
# jobs and of the record that never got their names. Names and owners are checked, whatever the note says.
sub remove_old_litter {
    my $text = '';
    if (sysopen my $handle, litter_path(), O_RDONLY | O_NOFOLLOW) {
        $text = read_from($handle, litter_path(), 0, MAX_TEXT);
    }
    for my $path (split /\n/, $text) {
        $path =~ s/\0/\n/g;
        next unless $path =~ m{\A/.*/\.[^/]+\.pulumi-[a-z0-9]{8}\z}s;
        eval {
            in_folder($path, sub {
                my ($name) = @_;
                my @stat = lstat $name;
                unlink $name if @stat && is_ours($stat[4]) && (S_ISREG($stat[2]) || S_ISLNK($stat[2]));
            });
        };
    }
    for my $name (@{ list_folder("$record/jobs") || [] }) {
        my $folder = "$record/jobs/$name";
        next if job_lives($folder);
        if   ($name =~ /\A\.new-/) { remove_tree($folder) }
        else                       { unlink "$folder/$_" for qw(argv.new status.new) }
    }
    unlink litter_path();
    return;
}

# Makes a new file in the present folder, for the agent alone until it is complete.
sub new_file {
    my ($name) = @_;
    sysopen my $handle, $name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600 or die "cannot make it: $!\n";
    return $handle;
}

sub write_all {
    my ($handle, $bytes) = @_;
    my $at = 0;
    while ($at < length $bytes) {
        my $count = syswrite $handle, $bytes, length($bytes) - $at, $at;
        die "cannot write it: $!\n" unless defined $count;
        $at += $count;
    }
    return;
}

# Gives a complete new file its owner and mode, by its handle, and syncs it.
sub finish_file {
    my ($handle, $size, $mode, $uid, $gid) = @_;
    my @stat = stat $handle;
    die "it has $stat[7] bytes instead of $size\n" if $stat[7] != $size;
    if ($stat[4] != $uid || $stat[5] != $gid) {
        chown $uid, $gid, $handle or die "cannot give it to $uid:$gid: $!\n";
    }
    chmod $mode, $handle or die "cannot set its mode: $!\n";
    $handle->sync or die "cannot sync it: $!\n";
    close $handle or die "cannot close it: $!\n";
    return;
}

# Makes a new file and syncs it.
sub make_file {
    my ($name, $contents, $mode, $uid, $gid) = @_;
    my $handle = new_file($name);
    write_all($handle, $contents);
    finish_file($handle, length $contents, $mode, $uid, $gid);
    return;
}

sub discard {
    my ($path) = @_;
    unlink $path;
    delete $litter{$path};
    return;
}

# The answer to a change that found something else than it expected.
sub not_written {
    my ($path) = @_;
    $room = MAX_CARRIED;
    return { written => bool(0), found => file_state($path, 'file') };
}

# A write under way: a temporary file beside its target, with the digest of the bytes so far.
sub begin_write {
    my ($path) = @_;
    my ($target, @stat) = write_target($path);
    my %write = (path => $path, target => $target, stat => \@stat, size => 0, digest => Digest::SHA->new(256));
    in_folder($target, sub {
        my ($name, $full) = @_;
        my $temporary = temporary_for($name, $full);
        $write{temporary} = under(parent_of($full), $temporary);
        $write{handle} = eval { new_file($temporary) }
            or refuse("the new $target could not be written: " . reason_of($@));
    });
    return \%write;
}

sub add_bytes {
    my ($write, $bytes) = @_;
    my $done = eval { write_all($write->{handle}, $bytes); 1 };
    refuse("the new $write->{target} could not be written: " . reason_of($@)) unless $done;
    $write->{digest}->add($bytes);
    $write->{size} += length $bytes;
    return;
}

sub reason_of {
    my ($thrown) = @_;
    my $why = ref $thrown ? $thrown->{message} : $thrown;
    chomp $why;
    return $why;
}

sub give_up_write {
    my ($write) = @_;
    close $write->{handle} if $write->{handle};
    discard($write->{temporary});
    return;
}

# Puts a complete write in the place of its target. Returns the answer to the request.
sub end_write {
    my ($write, $request) = @_;
    my $expect = expectation_of($request);
    my $target = $write->{target};
    my @stat = @{ $write->{stat} };
    my $answer;
    my $done = eval {
        my $digest = $write->{digest}->hexdigest;
        die "what arrived is not what was sent\n" if $digest ne string_of($request, 'sha256');
        finish_file(
            $write->{handle}, $write->{size},
            $request->{mode} // (@stat ? $stat[2] & 07777 : 0644),
            $request->{uid}  // (@stat ? $stat[4]         : $>),
            $request->{gid}  // (@stat ? $stat[5]         : own_gid()),
        );
        age($write->{temporary}, 2) if base_of($target) eq 'main.cf';
        in_folder($target, sub {
            my ($name, $full) = @_;
            my $placed = as_expected($expect, $full)
                && put_in_place(base_of($write->{temporary}), $name, $expect);
            return unless $placed;
            unlink base_of($write->{temporary});
            delete $litter{ $write->{temporary} };
            sync_folder('.');
            $answer = { written => bool(1), sha256 => $digest };
        });
        1;
    };
    my $why = $@;
    give_up_write($write) unless $answer;
    refuse("the new $target could not be written: " . reason_of($why)) unless $done;
    return $answer // not_written($target);
}

# rename(2) replaces a file that is there; link(2) fails instead, and is used when none was expected.
sub put_in_place {
    my ($temporary, $name, $expect) = @_;
    if ($expect->{absent}) {
        return 1 if link $temporary, $name;
        return 0 if $!{EEXIST};
        die "cannot put it in place: $!\n";
    }
    rename $temporary, $name or die "cannot put it in place: $!\n";
    return 1;
}

# The bytes come with the request, or came before it in pieces (op_upload), or are those of another file of the host.
sub op_write {
    my ($request, $ok, $fail) = @_;
    my $path = path_of($request, 'path');
    my $expect = expectation_of($request);
    string_of($request, 'sha256');
    if (defined $request->{upload}) {
        my $write = delete $uploads{ string_of($request, 'upload') } or refuse('there is no such upload');
        return $ok->(end_write($write, $request));
    }
    my ($target) = write_target($path);
    return $ok->(not_written($target)) unless as_expected($expect, $target);
    return write_copy($request, $ok, $fail) if defined $request->{from};
    my $write = begin_write($path);
    my $done = eval {
        if   ($request->{splices}) { add_spliced($write, $request, $target) }
        else                       { add_bytes($write, string_of($request, 'contents')) }
        1;
    };
    if (!$done) {
        my $fault = $@;
        give_up_write($write);
        die $fault;
    }
    my $size = $write->{size};
    my $answer = end_write($write, $request);
    %$answer = (%$answer, keep($path, $answer->{sha256}, $size))
        if ${ $answer->{written} } && $target eq $path;
    $ok->($answer);
    return;
}

# Writes the bytes of the file that is replaced, with others in the place of some. The digest in the request says
# whether that made what is meant. A large file is never in memory as a whole.
sub add_spliced {
    my ($write, $request, $target) = @_;
    my $splices = $request->{splices};
    my ($former, @stat) = open_regular($target);
    refuse("the bytes for $target do not fit it") if ref $splices ne 'ARRAY';
    my $from = 0;
    my $copy = sub {
        my ($end) = @_;
        while ($from < $end) {
            my $left = $end - $from;
            my $count = sysread $former, my ($chunk), $left < 1_048_576 ? $left : 1_048_576;
            refuse("cannot read $target: $!") unless defined $count;
            refuse("the bytes for $target do not fit it") unless $count;
            add_bytes($write, $chunk);
            $from += $count;
        }
    };
    for my $splice (@$splices) {
        my ($at, $drop) = map { $splice->{$_} // -1 } qw(at drop);
        refuse("the bytes for $target do not fit it") if $at < $from || $drop < 0 || $at + $drop > $stat[7];
        $copy->($at);
        add_bytes($write, string_of($splice, 'contents'));
        $from = $at + $drop;
        sysseek $former, $from, 0 or refuse("cannot read $target: $!");
    }
    $copy->($stat[7]);
    return;
}

# Copies a file of the host. The digest in the request says which bytes are meant.
sub write_copy {
    my ($request, $ok, $fail) = @_;
    my $from = path_of($request, 'from');
    my $end = follow($from);
    refuse("there is no file $from") unless defined $end && lstat $end;
    my ($source) = open_regular($end);
    my $write = begin_write(path_of($request, 'path'));
    in_slices(
        sub {
            my $count = sysread $source, my ($chunk), 1_048_576;
            refuse("cannot read $end: $!") unless defined $count;
            add_bytes($write, $chunk);
            return $count;
        },
        sub {
            my $answer = eval { end_write($write, $request) };
            return $answer ? $ok->($answer) : $fail->(as_fault($@));
        },
        sub { give_up_write($write); $fail->(@_) },
    );
    return;
}

# Begins a write whose bytes come in pieces.
sub op_upload {
    my ($request, $ok) = @_;
    refuse('too many uploads are under way') if keys %uploads >= MAX_STREAMS;
    $uploads{ ++$last_upload } = begin_write(path_of($request, 'path'));
    $ok->({ upload => num($last_upload) });
    return;
}

sub op_piece {
    my ($request, $ok) = @_;
    my $write = $uploads{ string_of($request, 'upload') } or refuse('there is no such upload');
    add_bytes($write, string_of($request, 'bytes'));
    $ok->({});
    return;
}

sub op_remove {
    my ($request, $ok) = @_;
    my $path = path_of($request, 'path');
    my $expect = expectation_of($request);
    my $answer = { written => bool(1), sha256 => '' };
    return $ok->(as_expected($expect, $path) ? $answer : not_written($path)) unless lstat $path;
    my $is_expected = in_folder($path, sub {
        my ($name, $full) = @_;
        return 0 unless as_expected($expect, $full);
        my @stat = lstat $name or return 1;
        refuse("$path is neither a file nor a link nor a folder")
            unless S_ISREG($stat[2]) || S_ISLNK($stat[2]) || S_ISDIR($stat[2]);
        my $removed = S_ISDIR($stat[2]) ? rmdir $name : unlink $name;
        refuse("cannot remove $path: $!") unless $removed || $!{ENOENT};
        for my $left (leftovers_of($name)) { unlink $left }
        sync_folder('.');
        return 1;
    });
    $ok->($is_expected ? $answer : not_written($path));
    return;
}

# Sets owner and mode of a file, and its time to now.
sub op_attributes {
    my ($request, $ok) = @_;
    my ($target, @stat) = write_target(path_of($request, 'path'));
    refuse("there is no file $target") unless @stat;
    in_folder($target, sub {
        my ($name) = @_;
        own_entry($name, map { $request->{$_} // refuse("the request lacks the number '$_'") } qw(mode uid gid));
        utime undef, undef, $name or refuse("cannot set the time of $target: $!");
    });
    $ok->({});
    return;
}

sub op_directory {
    my ($request, $ok) = @_;
    my $path = path_of($request, 'path');
    my $mode = $request->{mode};
    refuse('the mode of the folder is missing') unless defined $mode;
    in_folder($path, sub {
        my ($name) = @_;
        my $made = mkdir $name, 0700;
        refuse("cannot make the folder $path: $!") unless $made || $!{EEXIST};
        my @stat = lstat $name;
        refuse("$path is there and is not a folder") unless S_ISDIR($stat[2]);
        my $uid = $request->{uid} // $stat[4];
        my $gid = $request->{gid} // ($made && !$> ? 0 : $stat[5]);
        my $set = eval { own_entry($name, $mode, $uid, $gid); 1 };
        if (!$set) {
            my $why = reason_of($@);
            rmdir $name if $made;
            refuse("cannot set owner and mode of the folder $path: $why");
        }
        sync_folder('.') if $made;
    });
    $ok->({});
    return;
}

# Removes a tree without following links.
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

# Does pieces of work in turn with other requests. When the agent leaves, the rest is not done.
sub work_off {
    my ($work, $ok, $fail) = @_;
    in_slices(
        sub {
            my $piece = shift @$work or return 0;
            $piece->();
            return 1;
        },
        sub { $ok->({ written => bool(1) }) },
        $fail,
    );
    return;
}

# The tree at a path, or undef when it is not the expected one.
sub expected_tree {
    my ($request, $path) = @_;
    my $found = tree_of($path);
    return tree_digest($found) eq string_of($request, 'expect') ? $found || [] : undef;
}

sub remove_entry {
    my ($top, $entry) = @_;
    my $path = $entry->{path} eq '' ? $top : under($top, $entry->{path});
    in_folder($path, sub {
        my ($name) = @_;
        my $gone = $entry->{type} eq 'directory' ? rmdir $name : unlink $name;
        refuse("cannot remove $path: $!") unless $gone || $!{ENOENT};
        sync_folder('.') if $entry->{path} eq '';
    });
    return;
}

# Sets owner and mode by a handle, because the name could lead elsewhere a moment later. Returns false, without
# a change, for a file with several names (hard links): the others would change with it.
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

# Work that gives the folders of a tree to root, top first, before anything in them is changed: then no other
# user can rename files in them meanwhile. Folders that are in $stays get mode 0755, others 0700.
sub own_folders {
    my ($top, $uid, $gid, $entries, $stays) = @_;
    return map {
        my $entry = $_;
        sub {
            my $path = $entry->{path} eq '' ? $top : under($top, $entry->{path});
            my $mode = $stays->{ $entry->{path} } ? 0755 : 0700;
            in_folder($path, sub { my ($name) = @_; own_entry($name, $mode, $uid, $gid) });
        };
    } grep { $_->{type} eq 'directory' } @$entries;
}

sub copy_entry {
    my ($from, $path, $entry, $uid, $gid) = @_;
    my $made = eval {
        in_folder($path, sub {
            my ($name, $full) = @_;
            my $temporary = temporary_for($name, $full);
            my $placed = eval {
                if ($entry->{type} eq 'symlink') { symlink $entry->{target}, $temporary or die "$!\n" }
                else                             { copy_file($from, $temporary, $uid, $gid) }
                rename $temporary, $name or die "cannot put it in place: $!\n";
                1;
            };
            my $why = $@;
            unlink $temporary unless $placed;
            delete $litter{ under(parent_of($full), $temporary) };
            die $why unless $placed;
        });
        1;
    };
    return if $made;
    refuse("$path could not be made: " . reason_of($@));
}

sub copy_file {
    my ($from, $name, $uid, $gid) = @_;
    my ($source) = open_regular($from);
    my ($handle, $size) = (new_file($name), 0);
    while (1) {
        my $count = sysread $source, my ($chunk), 1_048_576;
        die "cannot read $from: $!\n" unless defined $count;
        last unless $count;
        write_all($handle, $chunk);
        $size += $count;
    }
    finish_file($handle, $size, 0644, $uid, $gid);
    return;
}

# Makes one tree like another: copies what is missing or different, and removes what the other does not have.
# Owners and modes are those that `cp -R` by root gives: folders 0755, files 0644.
sub op_copy_tree {
    my ($request, $ok, $fail) = @_;
    my ($from, $to) = (path_of($request, 'from'), path_of($request, 'to'));
    in_folder($to, sub { });
    my $found = expected_tree($request, $to);
    return $ok->({ written => bool(0) }) unless $found;
    my $source = tree_of($from);
    refuse("$from is not a folder") if !$source || $source->[0]{type} ne 'directory';
    work_off(copy_work($from, $to, $source, $found), $ok, $fail);
    return;
}

# The pieces of work that make the tree at $to, which is $found now, like $source at $from.
sub copy_work {
    my ($from, $to, $source, $found) = @_;
    my @wanted = grep { $_->{type} ne 'other' } @$source;
    my %wanted = map { $_->{path} => $_ } @wanted;
    my %found  = map { $_->{path} => $_ } @$found;
    my ($uid, $gid) = ($>, own_gid());
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
        my $copy = sub { copy_entry($source_path, $path, $entry, $uid, $gid) };
        if ($entry->{type} eq 'directory') {
            push @work, sub { make_folder($path, $uid, $gid) } unless $there;
        }
        elsif (!$there || grep { ($entry->{$_} // '') ne ($there->{$_} // '') } qw(sha256 target)) {
            push @work, $copy;
        }
        elsif ($entry->{type} eq 'file') {
            next if ${ $there->{mode} } == 0644 && ${ $there->{uid} } == $uid && ${ $there->{gid} } == $gid;
            push @work, sub {
                in_folder($path, sub { my ($name) = @_; own_entry($name, 0644, $uid, $gid) }) || $copy->();
            };
        }
    }
    push @work, map { my $path = $_->{path}; sub { sync_folder($path eq '' ? $to : under($to, $path)) } }
        grep { $_->{type} eq 'directory' } @wanted;
    return \@work;
}

sub make_folder {
    my ($path, $uid, $gid) = @_;
    in_folder($path, sub {
        my ($name) = @_;
        mkdir $name, 0700 or $!{EEXIST} or refuse("cannot make the folder $path: $!");
        own_entry($name, 0755, $uid, $gid);
        sync_folder('.');
    });
    return;
}

# Removes a tree except the entries in `keep` and the folders that these are in.
sub op_prune_tree {
    my ($request, $ok, $fail) = @_;
    my $path = path_of($request, 'path');
    refuse('what is to be kept must be a list') if ref $request->{keep} ne 'ARRAY';
    in_folder($path, sub { });
    my $found = expected_tree($request, $path);
    return $ok->({ written => bool(0) }) unless $found;
    my %keep;
    for my $kept (@{ $request->{keep} }) {
        $keep{$kept} = 1;
        $keep{$kept} = 1 while $kept =~ s{/[^/]*\z}{};
        $keep{''} = 1;
    }
    my @gone = grep { !$keep{ $_->{path} } } @$found;
    my ($uid, $gid) = ($>, own_gid());
    my @work = own_folders($path, $uid, $gid, \@gone, {});
    push @work, map { my $entry = $_; sub { remove_entry($path, $entry) } } reverse @gone;
    work_off(\@work, $ok, $fail);
    return;
}

# Removes a folder of another user with everything below it, however large it is; links are removed, not followed.
# Each folder is given to root before its names are read, so that its owner can put nothing in the way or in it.
# Unless the request says `files`, a regular file ends the removal: folders that are left get their owners back, and the
# answer is that nothing was removed. A removal that was cut off is gone on with by the next one.
sub op_remove_folder {
    my ($request, $ok, $fail) = @_;
    my $path = path_of($request, 'path');
    my ($device, @owned, $found);
    my @left = ({ path => $path });
    in_slices(
        sub {
            my $next = pop @left or return 0;
            in_folder($next->{path}, sub {
                my ($name) = @_;
                if ($next->{emptied}) {
                    rmdir $name or refuse("cannot remove the folder $next->{path}: " . why_not($!));
                    sync_folder('.') if $next->{path} eq $path;
                    return;
                }
                my @stat = lstat $name;
                return if !@stat && $!{ENOENT};
                refuse("cannot look at $next->{path}: $!") unless @stat;
                if (S_ISDIR($stat[2])) {
                    $device = $stat[0] unless defined $device;
                    refuse("$next->{path} is on another disk than $path (see mount(8)), and is left as it is")
                        if $stat[0] != $device;
                    push @owned, [$next->{path}, $stat[2] & 07777, @stat[4, 5]];
                    own_entry($name, 0700, $>, own_gid());
                    push @left, { %$next, emptied => 1 },
                        map { { path => under($next->{path}, $_) } } @{ list_folder($name) || [] };
                    return;
                }
                refuse("$path is no folder") if $next->{path} eq $path;
                $found = S_ISREG($stat[2]) && !$request->{files};
                return if $found;
                unlink $name or $!{ENOENT} or refuse("cannot remove $next->{path}: " . why_not($!));
            });
            return !$found;
        },
        sub { give_folders_back(@owned) if $found; $ok->({ written => bool(!$found) }) },
        sub { give_folders_back(@owned); $fail->(@_) },
    );
    return;
}

# Gives folders that are still there their owners back, the deepest first: above each of them all is root's still.
sub give_folders_back {
    for my $folder (reverse @_) {
        my ($path, @attributes) = @$folder;
        eval {
            in_folder($path, sub {
                my ($name) = @_;
                my @stat = lstat $name;
                own_entry($name, @attributes) if @stat && S_ISDIR($stat[2]);
            });
        };
    }
    return;
}

sub op_move {
    my ($request, $ok) = @_;
    my ($from, $to) = (path_of($request, 'from'), path_of($request, 'to'));
    # Only root can change the folders of both, so the paths stay what they are found to be here.
    my $source = in_folder($from, sub {
        my ($name, $full) = @_;
        refuse("there is nothing at $from") unless lstat $name;
        return $full;
    });
    in_folder($to, sub {
        my ($name) = @_;
        refuse("something stands at $to") if lstat $name;
        rename $source, $name or refuse("cannot move $from to $to: $!");
        sync_folder('.');
    });
    sync_folder(parent_of($source));
    $ok->({});
    return;
}

# ---------------------------------------------------------------------------------------------------
# Mailboxes. A message is found by its Message-Id and removed, with the rights and the locks with which local(8)
# delivers: as root in a folder that only root can write to, else as the owner of the mailbox. Links are not
# followed, and no byte of other messages changes.
# ---------------------------------------------------------------------------------------------------

# Calls code with the effective ids of a user.
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

# The (uid, gid) with which local(8) delivers to this mailbox (local(8), "MAILBOX DELIVERY").
sub mailbox_rights {
    my ($request, $path) = @_;
    my ($uid, $gid) = map { string_of($request, $_) } qw(uid gid);
    return ($uid, $gid) unless $request->{spool};
    my @stat = stat parent_of($path) or refuse('there is no folder ' . parent_of($path));
    return ($uid, $gid) if $stat[2] & 02;
    return ($uid, $stat[5]) if $stat[2] & 020;
    return (0, 0);
}

# 'wanted' for the message of the request, 'stale' for a test message of an earlier run, else ''.
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

# The [begin, end] of each message in the text of an mbox: it begins with a "From " line, at the beginning of the
# text or after an empty line.
sub mbox_messages {
    my ($text, $is_whole) = @_;
    my @begins;
    push @begins, 0 if $is_whole && $text =~ /\AFrom /;
    while ($text =~ /\n\nFrom /g) { push @begins, pos($text) - 5 }
    my @ends = (@begins[1 .. $#begins], length $text);
    return map { [$begins[$_], $ends[$_]] } 0 .. $#begins;
}

# Looks into an mbox under the locks of the request; undef when another process holds one.
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

    my $begin = $stat[7] > MAX_MBOX ? $stat[7] - MAX_MBOX : 0;
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

# Replaces all from an offset on by these bytes; mostly there are none, and the file is cut. In place, as mail(1)
# does it: a process that waits for the lock has this file open, and would write to a replaced one in vain.
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
    refuse("the mailbox is locked by '$request->{locks}', but only flock and dotlock are supported")
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
        $fail->($fault || { kind => 'refused', message => "another process holds the lock of the mailbox $path" });
    };
    $attempt->();
    return;
}

# ---------------------------------------------------------------------------------------------------
# Judging a candidate configuration
# ---------------------------------------------------------------------------------------------------

use constant JUDGE_PREFIX => '/tmp/pulumi-openbsd-postfix-';

# Makes a private folder. Its name has the process id of its agent, so that a later agent can remove the
# folder of one that was killed.
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

# Whether a program may run with these arguments on the candidate in a folder: `postfix -c FOLDER check`,
# postconf(1) that changes nothing, and postmap(1) and postalias(1) on files in the folder.
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

# `postfix check` creates and repairs the queue of the configuration that it checks. A candidate must name a
# queue in its folder, or the live queue would be changed.
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

# Begins a candidate with files that are too large for one request.
sub op_candidate {
    my ($request, $ok) = @_;
    refuse('too many candidates wait') if keys %candidates >= MAX_STREAMS;
    $candidates{ ++$last_candidate } = judge_folder();
    $ok->({ candidate => num($last_candidate) });
    return;
}

# Adds a piece to a file of a candidate. Such a file is written as it is: the path of the folder is not put into it.
sub op_candidate_piece {
    my ($request, $ok) = @_;
    my $folder = $candidates{ string_of($request, 'candidate') } or refuse('there is no such candidate');
    my $path = inside($folder, string_of($request, 'name'));
    make_way($folder, parent_of($path));
    sysopen my $handle, $path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644 or refuse("cannot make $path: $!");
    my $done = eval { write_all($handle, string_of($request, 'bytes')); close $handle or die "cannot close it: $!\n" };
    refuse("$path: " . reason_of($@)) unless $done;
    age($path, 60);
    $ok->({});
    return;
}

sub op_judge {
    my ($request, $ok, $fail) = @_;
    my ($files, $commands) = @{$request}{qw(files commands)};
    refuse('a candidate is a dictionary of files and a list of commands')
        if ref $files ne 'HASH' || ref $commands ne 'ARRAY';
    my $begun = $request->{candidate};
    my $folder = defined $begun ? delete $candidates{$begun} : judge_folder();
    refuse('there is no such candidate') unless defined $folder;
    my $clean = sub { remove_tree($folder); delete $litter{$folder}; return };
    if (!eval { place_candidate($folder, $request); 1 }) {
        my $fault = as_fault($@);
        $clean->();
        die $fault;
    }
    my $deadline = seconds_of($request, 'timeoutMs', RUN_DEADLINE);
    run_judges($folder, $deadline, $commands, sub { $clean->(); $ok->(@_) }, sub { $clean->(); $fail->(@_) });
    return;
}

# Writes the files of a candidate to a folder, puts its path into files and commands, and refuses commands that
# may not run on it.
sub place_candidate {
    my ($folder, $request) = @_;
    my $place = sub { my ($text) = @_; $text =~ s/\{dir\}/$folder/g; return $text };
    my $files = $request->{files};
    my %placed = map { $_ => $place->($files->{$_}) } keys %$files;
    write_candidate($folder, $request->{folders} || {}, \%placed);
    for my $command (@{ $request->{commands} }) {
        my @argv = map { $place->($_) } argv_of($command);
        $command->{argv} = \@argv;
        refuse("'@argv' is not on the list of programs that check a candidate") unless may_judge($folder, @argv);
        check_own_queue($folder, \@argv, \%placed) if base_of($argv[0]) eq 'postfix';
    }
    return;
}

# Whether a program had something to say: a table, or a main.cf, that is in order has every tool end with 0 in silence.
sub has_said {
    my ($answer) = @_;
    return 0 if $answer->{notFound} || $answer->{needless};
    return !defined $answer->{exitCode} || ${ $answer->{exitCode} } != 0 || $answer->{stderr} ne '';
}

# Runs commands one after the other, and answers with their results.
sub run_judges {
    my ($folder, $deadline, $commands, $ok, $fail) = @_;
    my @rest = @$commands;
    my (@answers, $next);
    $next = sub {
        my $command = shift @rest;
        if (!$command) {
            undef $next;
            return $ok->(\@answers);
        }
        my $other = defined $command->{ifSaid} ? $answers[ $command->{ifSaid} ] : undef;
        if ($other && !has_said($other)) {
            push @answers, { needless => bool(1) };
            return $next->();
        }
        run_program(
            argv    => $command->{argv},
            tty     => $command->{tty} ? 'stderr' : undef,
            cwd     => $folder,
            env     => environment_of({ env => silence($folder) }),
            timeout => $deadline,
            done    => sub {
                my ($result) = @_;
                if ($result->{fault}) {
                    undef $next;
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

# A judgement leaves no line in the mail log. Postfix's tools log before they have read main.cf, which names a log file
# in the folder; from 3.4 on these variables, which name a postlogd(8) that is not there, already count by then
# (maillog_client_init).
sub silence {
    my ($folder) = @_;
    return { POSTLOG_SERVICE => "$folder/no-postlogd", POSTLOG_HOSTNAME => 'localhost' };
}

sub write_candidate {
    my ($folder, $folders, $files) = @_;
    make_way($folder, $_) for map { parent_of(inside($folder, $_)) } keys %$files;
    for my $name (sort keys %$folders) {
        my $path = inside($folder, $name);
        make_way($folder, $path);
        my ($uid, $gid) = (getpwnam $folders->{$name})[ 2, 3 ];
        # Nobody but root can reach a folder in the private one, whoever owns it.
        chown $uid, $gid, $path or refuse("cannot give $path to $folders->{$name}: $!") if defined $uid && $> == 0;
    }
    for my $name (sort keys %$files) {
        my $path = inside($folder, $name);
        sysopen my $handle, $path, O_WRONLY | O_CREAT | O_EXCL, 0644 or refuse("cannot make $path: $!");
        my $count = syswrite $handle, $files->{$name};
        refuse("cannot write $path: $!") if !defined $count || $count != length $files->{$name};
        close $handle or refuse("cannot write $path: $!");
        age($path, 60);
    }
    return;
}

# Makes the folders down to a path in the candidate's folder.
sub make_way {
    my ($folder, $path) = @_;
    my $made = $folder;
    for my $step (split m{/}, substr $path, length $folder) {
        next if $step eq '';
        $made .= "/$step";
        mkdir $made, 0755 or $!{EEXIST} or refuse("cannot make the folder $made: $!");
    }
    return;
}

# Postfix waits until a main.cf that it reads is two seconds old, because it may still be being written
# (dict_load_file). A candidate is whole, and so is a file that was renamed into its place; but each program that judges
# the one, and each that starts with the other while no mailer runs, would wait.
sub age {
    my ($path, $seconds) = @_;
    my $then = time - $seconds;
    utime $then, $then, $path or refuse("cannot set the time of $path: $!");
    return;
}

# ---------------------------------------------------------------------------------------------------
# Jobs: programs that outlive the connection. A supervisor, detached from the agent, starts the program with
# its output in a file, waits for it and writes how it ended to another file. While it lives it holds a lock
# on its file `pid`: whether it lives is not guessed from a process id, which may be another process by then.
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
    my %job = (argv => \@argv, env => environment_of($request), cwd => $cwd, file => $file);
    mkdir "$record/jobs", 0700 or $!{EEXIST} or refuse("cannot make the folder $record/jobs: $!");
    my $new = parent_of($folder) . '/.new-' . base_of($folder);
    remove_tree($new);
    mkdir $new, 0700 or refuse("cannot make the folder $new: $!");

    my $said = in_background(sub { supervise($new, $folder, \%job, $_[0]) });
    return if $said eq 'started';
    remove_tree($new);
    refuse("the job could not be started: " . ($said eq '' ? 'its supervisor said nothing' : $said));
}

# Does its work in a process that outlives the agent, and gives it a handle. Returns what it says there first, or
# why it could not begin.
sub in_background {
    my ($work) = @_;
    pipe my $ready_read, my $ready_write or die "pipe: $!\n";
    my $pid = fork;
    die "cannot fork: $!\n" unless defined $pid;
    if (!$pid) {
        eval { forget_agent(); detach($ready_write); $work->($ready_write) };
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
    chomp $said;
    return $said;
}

# Detaches a supervisor from the agent: a new session, a second fork so that it never gets a terminal, and
# none of the agent's handles. With the handle of the write section's lock it would keep holding the lock.
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

# The supervisor; does not return. The folder gets its name when it is complete and the lock is held, so that
# a folder with the name of a job is one that was started.
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
    # What a program has started that was killed goes on, as the hook of a package does: who comes next finds it over.
    my $until = now() + JOB_SETTLE;
    select undef, undef, undef, JOB_POLL while kill(0, -$child) && now() < $until;
    eval { put_small("$folder/status", "$status\n") };
    POSIX::_exit(0);
}

# Writes a small file so that it is either complete or missing.
sub put_small {
    my ($path, $text) = @_;
    my $temporary = "$path.new";
    unlink $temporary;
    make_file($temporary, $text, 0600, $>, own_gid());
    rename $temporary, $path or die "cannot make $path: $!\n";
    sync_folder(parent_of($path));
    return;
}

# The order matters: first whether the supervisor lives, then the status, then the log, so that "ended" comes
# with the whole log.
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
    my $folder = job_folder($request);
    my $until = now() + seconds_of($request, 'waitMs', 0);
    my $attempt;
    $attempt = sub {
        # The end of a job shows by its supervisor, which is not a child of the agent: it is asked for, not waited for.
        return after(JOB_POLL, $attempt) if now() < $until && job_lives($folder);
        undef $attempt;
        $ok->(job_state($folder, $offset));
    };
    $attempt->();
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
# The watch: a dead-man switch. It is armed before a change that can stop the service, and puts back what
# served before unless the client disarms it in time, also when the line or the client is gone. It is a fork
# of the agent, detached like the supervisor of a job, so all that it puts back is in its memory; it does not
# outlive a reboot. It acts only under the lock of the write section. Its folder holds:
#
#   pid      locked while it lives
#   armed    its token; who removes or replaces this file under the lock has disarmed it
#   outcome  what it did, for the next run
# ---------------------------------------------------------------------------------------------------

use constant {
    WATCH_POLL    => 0.2,
    WATCH_PROGRAM => 120,    # seconds for one program
    WATCH_SETTLE  => 20,     # seconds for the service to hold its lock after the last one
};

sub watch_folder { return "$record/watch" }

sub small_file {
    my ($path) = @_;
    sysopen my $handle, $path, O_RDONLY | O_NOFOLLOW or return '';
    my $text = '';
    sysread $handle, $text, 65_536;
    return $text;
}

sub list_of {
    my ($from, $name) = @_;
    my $list = $from->{$name};
    refuse("the request lacks the list '$name'") if ref $list ne 'ARRAY';
    return @$list;
}

sub op_arm {
    my ($request, $ok) = @_;
    my %plan = (
        within   => seconds_of($request, 'withinMs', 120),
        purpose  => string_of($request, 'purpose'),
        unless   => path_of($request, 'unlessLocked'),
        always   => $request->{always},
        again    => $request->{again},
        after    => defined $request->{after} ? job_folder({ key => $request->{after} }) : undef,
        files    => [list_of($request, 'files')],
        commands => [map { [argv_of({ argv => $_ })] } list_of($request, 'commands')],
        token    => random_name(),
        agent    => $$,
    );
    for my $file (@{ $plan{files} }) {
        refuse('a file must be a dictionary') if ref $file ne 'HASH';
        path_of($file, 'path');
        expectation_of($file);
    }
    my $folder = watch_folder();
    my $former = disarm_watch();
    mkdir $folder, 0700 or $!{EEXIST} or refuse("cannot make the folder $folder: $!");
    put_small("$folder/armed", "$plan{token}\n$plan{purpose}\n");
    my $said = in_background(sub { watch(\%plan, $_[0]) });
    return $ok->($former) if $said eq 'armed';
    unlink "$folder/armed";
    refuse('the watch could not be armed: ' . ($said eq '' ? 'it said nothing' : $said));
}

# What a fork of the agent must not keep: its handles, and with them the lock of the section.
sub forget_agent {
    close $section->{lock} if $section;
    undef $section;
    %readers = %writers = %programs = %streams = %uploads = %candidates = %litter = ();
    @timers = @waiting = ();
    return;
}

# Says what became of the last watch: "none", "armed" when it still waited, "lost" when it ended with the host,
# both with its purpose, or "acted" with its outcome. It is over then.
sub op_disarm {
    my ($request, $ok) = @_;
    $ok->(disarm_watch());
    return;
}

sub disarm_watch {
    my $folder = watch_folder();
    my $outcome = small_file("$folder/outcome");
    my (undef, $purpose) = split /\n/, small_file("$folder/armed");
    my $armed = defined $purpose;
    my $was = $outcome ne '' ? 'acted' : !$armed ? 'none' : job_lives($folder) ? 'armed' : 'lost';
    # A watch that lives sees that its token is gone, and ends without another change.
    unlink map { "$folder/$_" } qw(armed armed.new outcome outcome.new pid);
    rmdir $folder;
    return { was => $was, outcome => $armed && $outcome eq '' ? $purpose : $outcome };
}

# The watch; does not return.
sub watch {
    my ($plan, $ready) = @_;
    my $folder = watch_folder();
    chdir '/' or die "cannot go to /: $!\n";
    umask 022;
    sysopen my $pid_file, "$folder/pid", O_RDWR | O_CREAT | O_EXCL, 0600 or die "cannot make its pid file: $!\n";
    flock $pid_file, LOCK_EX or die "cannot lock its pid file: $!\n";
    syswrite $pid_file, "$$\n";
    syswrite $ready, "armed\n";
    close $ready;
    my $until = now() + $plan->{within};
    while (now() < $until) {
        POSIX::_exit(0) unless is_armed($folder, $plan);
        select undef, undef, undef, WATCH_POLL;
    }
    # A job takes as long as it takes, and a client that waits for it is not late.
    if (defined $plan->{after}) {
        select undef, undef, undef, WATCH_POLL while is_armed($folder, $plan) && job_lives($plan->{after});
    }
    my ($lock, $told);
    until ($lock = eval { try_lock() }) {
        POSIX::_exit(0) unless is_armed($folder, $plan);
        # The agent that armed it holds the lock still: its client has not kept the time.
        if (!$told && !defined $plan->{after} && lock_holder() =~ /^process $plan->{agent}$/m) {
            kill 'TERM', $plan->{agent};
            $told = 1;
        }
        select undef, undef, undef, LOCK_POLL;
    }
    POSIX::_exit(0) unless is_armed($folder, $plan);
    $section = { token => '', lock => $lock };
    truncate $lock, 0;
    sysseek $lock, 0, 0;
    syswrite $lock, "putting back what served before: $plan->{purpose}\nprocess $$\n";
    my $outcome = eval { put_generation_back($plan) };
    $outcome = 'failed: ' . as_fault($@)->{message} . "\n" unless defined $outcome;
    if ($outcome ne '') {
        my $when = POSIX::strftime('%Y-%m-%d %H:%M:%S UTC', gmtime);
        eval { put_small("$folder/outcome", "$outcome$when\n$plan->{purpose}\n") };
    }
    unlink "$folder/armed", "$folder/pid";
    rmdir $folder;
    release();
    POSIX::_exit(0);
}

sub is_armed {
    my ($folder, $plan) = @_;
    return small_file("$folder/armed") =~ /\A$plan->{token}\n/;
}

# Puts files back and runs the programs that make the service serve by them. Returns the outcome: its first word
# says what was done, each further line names a path. Nothing for a service that serves as it is.
sub put_generation_back {
    my ($plan) = @_;
    my $serves = is_locked($plan->{unless});
    return '' if $serves && !$plan->{always};
    my (@changes, @foreign, @paths);
    for my $file (@{ $plan->{files} }) {
        my $wanted = defined $file->{contents}
            ? { sha256 => Digest::SHA::sha256_hex($file->{contents}) } : { absent => 1 };
        push @paths, $file->{path} unless $file->{note};
        next if as_expected($wanted, $file->{path});
        if (as_expected($file->{expect}, $file->{path})) { push @changes, $file }
        elsif (!$file->{note}) { push @foreign, $file->{path} }
    }
    # Somebody has gone on: what is there now is that one's.
    if (@foreign) {
        return "left\n" . join('', map { "$_\n" } @foreign) if $serves;
        @changes = ();
    }
    for my $file (@changes) {
        my %request = %$file;
        my $answer;
        if (defined $file->{contents}) {
            $request{sha256} = Digest::SHA::sha256_hex($file->{contents});
            op_write(\%request, sub { $answer = $_[0] });
        }
        else { op_remove(\%request, sub { $answer = $_[0] }) }
        refuse("somebody else changed $file->{path}") unless $answer && ${ $answer->{written} } || $file->{note};
    }
    my $last;
    for my $argv (@{ $plan->{commands} }) {
        run_and_wait($argv);
        $last = $argv;
    }
    if ($plan->{again} && $last) {
        my $until = now() + WATCH_SETTLE;
        until (is_locked($plan->{unless})) {
            return "failed\n" . join('', map { "$_\n" } @paths) if now() > $until;
            select undef, undef, undef, 1;
            run_and_wait($last) unless is_locked($plan->{unless});
        }
    }
    return (@foreign ? "left\n" : "put back\n") . join('', map { "$_\n" } @paths);
}

# Whether some process holds a lock on a file, as master(8) does on its pid file.
sub is_locked {
    my ($path) = @_;
    sysopen my $handle, $path, O_RDWR | O_NOFOLLOW or return 0;
    return !flock $handle, LOCK_SH | LOCK_NB;
}

# Runs a program to its end, for which it has WATCH_PROGRAM seconds.
sub run_and_wait {
    my ($argv) = @_;
    my $file = find_program($argv->[0]) or return;
    sysopen my $null, '/dev/null', O_RDWR or return;
    my $pid = spawn($file, { argv => $argv, env => environment_of({}) }, $null, $null, $null, undef) or return;
    my $until = now() + WATCH_PROGRAM;
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        kill 'KILL', -$pid if now() > $until;
        select undef, undef, undef, 0.05;
    }
    return;
}

# ---------------------------------------------------------------------------------------------------
# Requests
# ---------------------------------------------------------------------------------------------------

# The host's public keys, of which a client has seen one: sshd(8)'s own, and those that its configuration names.
sub host_keys {
    my ($folder) = @_;
    my %paths = map { $_ => 1 } glob "$folder/ssh_host_*_key.pub";
    my $configuration = beginning_of("$folder/sshd_config", 262_144);
    $paths{"$1.pub"} = 1 while $configuration =~ /^\s*HostKey[ \t]+"?(\/[^"\s]+)"?/gim;
    return [grep { $_ ne '' } map { beginning_of($_, 16_384) } sort keys %paths];
}

# The beginning of a file; '' where it is none or cannot be read.
sub beginning_of {
    my ($path, $most) = @_;
    sysopen my $handle, $path, O_RDONLY | O_NONBLOCK or return '';
    my $text = '';
    sysread $handle, $text, $most if -f $handle;
    return $text;
}

# The facts of the host, by uname(1). POSIX::uname would not find a uname that tests put in PATH.
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
        hostKeys => host_keys(
            defined $request->{sshFolder} ? path_of($request, 'sshFolder') : '/etc/ssh'
        ),
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

# Notes that the client has the contents of a file, for the next answer (fileCache.ts). Returns the path by which it is
# told to keep them, or, where all of them would be too much, to keep nothing of that path.
sub keep {
    my ($path, $sha256, $size) = @_;
    delete $kept{$path};
    my $total = $size;
    $total += $_->[1] for values %kept;
    return (unkept => $path) if $total > MAX_KEPT;
    $kept{$path} = [$sha256, $size];
    return (keep => $path);
}

# An answer that is about to be sent, without the contents of files that the client has already.
sub without_kept {
    my ($facts, $answers) = @_;
    for my $name (grep { $facts->{$_}{fact} eq 'file' } sort keys %$answers) {
        my ($path, $state) = ($facts->{$name}{path}, $answers->{$name});
        ($path, $state) = ($state->{resolved}, $state->{file}) if $state->{type} eq 'symlink';
        next unless $state && $state->{type} eq 'file' && defined $state->{contents};
        my $known = $kept{$path};
        if ($known && $known->[0] eq $state->{sha256}) {
            delete $state->{contents};
            $state->{kept} = $path;
            next;
        }
        %$state = (%$state, keep($path, $state->{sha256}, length $state->{contents}));
    }
    return $answers;
}

# What an answer would have had the client keep is not kept.
sub forget_kept {
    my ($answers) = @_;
    for my $state (grep { ref eq 'HASH' } values %$answers) {
        my $file = ref $state->{file} eq 'HASH' ? $state->{file} : $state;
        delete $kept{ $file->{keep} } if defined $file->{keep};
    }
    return;
}

# Reads all facts of a request, and answers when the last one is known.
sub op_read {
    my ($request, $ok, $fail) = @_;
    my $facts = $request->{facts};
    refuse('the request lacks its facts') if ref $facts ne 'HASH';
    my $deadline = seconds_of($request, 'timeoutMs', PROBE_DEADLINE);
    my (%answers, $failed);
    my $left = keys %$facts;
    $room = MAX_CARRIED;
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
            return if --$left;
            my $thinned = without_kept($facts, \%answers);
            # Of an answer that is too large to be sent, the client has nothing.
            forget_kept($thinned) unless $ok->($thinned);
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
    return $done->(file_state(path_of($fact, 'path'), $kind)) if $kind eq 'file' || $kind eq 'stat';
    return digest_state(path_of($fact, 'path'), $done) if $kind eq 'digest';
    return $done->(pem_state(path_of($fact, 'path'))) if $kind eq 'pem';
    return $done->(place_of(path_of($fact, 'path'), $fact->{entry})) if $kind eq 'place';
    return $done->(list_folder(path_of($fact, 'path'))) if $kind eq 'list';
    return $done->(tree_of(path_of($fact, 'path'))) if $kind eq 'tree';
    return $done->(count_files(path_of($fact, 'path'))) if $kind eq 'count';
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

# The first line that a TCP service sends, or the error.
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

# Requests that change nothing, and requests that need a write section.
my %LOOKING = (
    hello          => \&op_hello,
    ping           => sub { $_[1]->({}) },
    read           => \&op_read,
    candidate      => \&op_candidate,
    candidatePiece => \&op_candidate_piece,
    judge          => \&op_judge,
    begin          => \&op_begin,
    end            => \&op_end,
);
my %CHANGING = (
    write       => \&op_write,
    upload      => \&op_upload,
    piece       => \&op_piece,
    remove      => \&op_remove,
    attributes  => \&op_attributes,
    directory   => \&op_directory,
    run         => \&op_run,
    startJob    => \&op_start_job,
    pollJob     => \&op_poll_job,
    forgetJob   => \&op_forget_job,
    arm         => \&op_arm,
    disarm      => \&op_disarm,
    connect     => \&op_connect,
    receive     => \&op_receive,
    send        => \&op_send,
    disconnect  => \&op_disconnect,
    copyTree    => \&op_copy_tree,
    pruneTree   => \&op_prune_tree,
    move        => \&op_move,
    removeFolder => \&op_remove_folder,
    takeMessage => \&op_take_message,
);

sub dispatch {
    my ($request, $ok, $fail) = @_;
    my $op = $request->{op};
    return if must_wait($request, $ok, $fail);
    if (my $change = $CHANGING{$op}) {
        check_section($request);
        return in_section($change, $request, $ok, $fail);
    }
    my $look = $LOOKING{$op} or refuse("the agent knows no request '$op'");
    return $look->($request, $ok, $fail);
}

# ---------------------------------------------------------------------------------------------------
# Coming and going
# ---------------------------------------------------------------------------------------------------

# Gives up a write section whose client is silent, because its machine sleeps or the line is dead: it would
# hold the lock for ever.
sub watch_silence {
    if ($section && now() - $heard > $silence) {
        print {*STDERR} "agent: nothing heard for $silence s; giving the write section up\n";
        $leaving = 1;
    }
    cancel($silence_watch);
    $silence_watch = after($silence < 20 ? $silence / 4 : 5, \&watch_silence);
    return;
}

# Ends all programs and waits for them before it releases the lock: a program that still changes something
# belongs to the write section.
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

    # With the end of this text Perl may have read requests as well. They are in the buffer of STDIN, which
    # sysread passes by. A read(STDIN) that returns less than it could has emptied that buffer.
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
