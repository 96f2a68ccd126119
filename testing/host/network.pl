# The way of TCP connections into one test host and out of it to others (network.ts):
#
#   network.pl SOCKET
#
# Runs in the network namespace of the host (and the user namespace that this one belongs to), and in no
# other namespace of it, so that nobody on the host sees it. Another host is found through the SOCKET of
# its own network.pl: a unix socket with a path, which no network namespace shuts out.
#
# Who connects to SOCKET writes a line, "FROM TO PORT": the address to come from, and where to go on the
# host. The answer is the line "ok" or a reason, and after "ok" comes what the host says.
#
# stdin has orders of the keeper, one line of JSON each:
#
#   {"own": [ADDRESS, ...], "listen": [{"at": ADDRESS, "port": N, "socket": PATH, "from": ADDRESS}, ...]}
#
# At the addresses "own" the host can be reached from then on. No interface has them: what listens on loopback only,
# as the base system's mailer does by "listen on lo0", would answer there too. At each of "listen", connections that the host makes
# are taken and carried to the host behind "socket", where they come from the address "from". The answer
# is the line "ok" or a reason. When stdin ends, so does this program.
use strict;
use warnings;
use Errno qw(EADDRNOTAVAIL EAGAIN EEXIST EINPROGRESS EINTR);
use JSON::PP ();
use POSIX ();
use Socket;

# Numbers of Linux that Perl has no names for; both architectures have the same.
my $SO_REUSEPORT = 15;
my ($AF_NETLINK, $RTM_NEWROUTE) = (16, 24);
# So many bytes may wait for one end before no more are read from the other.
my $LIMIT = 65536;

# Open connections by the number of their file handle, and listening sockets with what they do.
my (%ends, %listeners);

$SIG{PIPE} = 'IGNORE';
unlink $ARGV[0];
socket(my $door, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
bind($door, pack_sockaddr_un($ARGV[0])) or die "$ARGV[0]: $!\n";
answer_at($door, \&take_inwards);
tell_keeper('ok');

my $orders = '';
while (1) {
    my ($read, $write) = ('', '');
    vec($read, $_, 1) = 1 for fileno(STDIN), keys %listeners;
    for my $number (keys %ends) {
        vec($read, $number, 1) = 1 if wants_bytes($ends{$number});
        vec($write, $number, 1) = 1 if has_bytes($ends{$number});
    }
    next if select($read, $write, undef, undef) < 0;
    if (vec($read, fileno(STDIN), 1)) {
        sysread(STDIN, $orders, 65536, length $orders) or exit 0;
        tell_keeper(obey($1)) while $orders =~ s/^([^\n]*)\n//;
    }
    for my $number (grep { vec($read, $_, 1) } keys %listeners) {
        my ($listener, $action) = @{ $listeners{$number} };
        while (accept(my $handle, $listener)) { $action->(new_end($handle)) }
    }
    # One that is served may end another one.
    my @writable = @ends{ grep { vec($write, $_, 1) } keys %ends };
    my @readable = @ends{ grep { vec($read, $_, 1) } keys %ends };
    for my $end (@writable) { write_to($end) unless $end->{closed} }
    for my $end (@readable) { read_from($end) if !$end->{closed} && wants_bytes($end) }
}

sub tell_keeper { syswrite STDOUT, "$_[0]\n" }

sub obey {
    my $order = JSON::PP->new->utf8->decode($_[0]);
    eval {
        add_route($_) for @{ $order->{own} // [] };
        listen_for($_) for @{ $order->{listen} // [] };
        1;
    } and return 'ok';
    chomp(my $why = $@);
    return $why;
}

# --- connections of the host to others -------------------------------------------------------------

# Calls the action with each new connection.
sub answer_at {
    my ($listener, $action) = @_;
    listen($listener, SOMAXCONN) or die "listen: $!\n";
    $listener->blocking(0);
    $listeners{ fileno $listener } = [ $listener, $action ];
}

sub listen_for {
    my ($way) = @_;
    my $name = "$way->{at}:$way->{port}";
    socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
    # A mailer of the host may listen on all addresses (build-postfix.sh has its half of this).
    setsockopt($listener, SOL_SOCKET, $_, 1) for SO_REUSEADDR, $SO_REUSEPORT;
    bind_from($listener, $way->{at}, $way->{port}) or die "$name: $!\n";
    answer_at($listener, sub { take_outwards($_[0], $way) });
}

sub take_outwards {
    my ($near, $way) = @_;
    socket(my $handle, AF_UNIX, SOCK_STREAM, 0) or return drop($near);
    connect($handle, pack_sockaddr_un($way->{socket})) or return drop($near);
    my $far = new_end($handle);
    join_ends($near, $far);
    $far->{out} = "$way->{from} $way->{at} $way->{port}\n";
    $far->{on_line} = sub { drop($far) if $_[0] ne 'ok' };
}

# --- connections to the host -----------------------------------------------------------------------

sub take_inwards {
    my ($outer) = @_;
    $outer->{on_line} = sub {
        my ($from, $to, $port) = split / /, $_[0];
        socket(my $handle, PF_INET, SOCK_STREAM, 0) or return refuse($outer);
        $handle->blocking(0);
        eval { bind_from($handle, $from, 0) } or return refuse($outer);
        connect($handle, pack_sockaddr_in($port, inet_aton($to))) or $! == EINPROGRESS or return refuse($outer);
        my $inner = new_end($handle);
        join_ends($outer, $inner);
        $inner->{connecting} = 1;
    };
}

# Says why there is no connection, which is errno, and ends.
sub refuse {
    my ($outer) = @_;
    $outer->{out} = "$!\n";
    $outer->{eof} = $outer->{finish} = 1;
}

# Binds to an address, which need not be the host's own: a route makes it local that no interface has, so
# that no program takes it for an address of this host.
sub bind_from {
    my ($handle, $address, $port) = @_;
    my $name = pack_sockaddr_in($port, inet_aton($address));
    bind($handle, $name) and return 1;
    $! == EADDRNOTAVAIL or return 0;
    add_route($address);
    return bind($handle, $name);
}

# --- carrying bytes --------------------------------------------------------------------------------

# "out" waits to be written to an end. "on_line" gets the first line that comes from it. With "eof" nothing
# more comes from it, with "finish" it gets nothing more after "out", and with "shut" it has been told so.
sub new_end {
    my ($handle) = @_;
    $handle->blocking(0);
    return $ends{ fileno $handle } = { handle => $handle, out => '', in => '' };
}

sub join_ends {
    my ($one, $other) = @_;
    $one->{peer} = $other;
    $other->{peer} = $one;
}

sub wants_bytes {
    my ($end) = @_;
    return 0 if $end->{eof} || $end->{connecting};
    return 1 if $end->{on_line};
    return defined $end->{peer} && length $end->{peer}{out} < $LIMIT;
}

sub has_bytes {
    my ($end) = @_;
    return $end->{connecting} || length $end->{out} || $end->{finish} && !$end->{shut};
}

sub read_from {
    my ($end) = @_;
    my $bytes;
    my $count = sysread $end->{handle}, $bytes, $LIMIT;
    if (!defined $count) {
        drop($end) unless $! == EAGAIN || $! == EINTR;
        return;
    }
    if ($end->{on_line}) {
        return drop($end) if !$count;
        $end->{in} .= $bytes;
        $end->{in} =~ s/^([^\n]*)\n// or return;
        (delete $end->{on_line})->($1);
        $end->{peer}{out} .= $end->{in} if $end->{peer};
    }
    elsif ($count) { $end->{peer}{out} .= $bytes }
    else {
        $end->{eof} = 1;
        $end->{peer}{finish} = 1;
    }
}

sub write_to {
    my ($end) = @_;
    if ($end->{connecting}) {
        $! = unpack 'i', getsockopt($end->{handle}, SOL_SOCKET, SO_ERROR);
        if ($! != 0) {
            my $outer = $end->{peer};
            refuse($outer);
            delete $_->{peer} for $outer, $end;
            return drop($end);
        }
        delete $end->{connecting};
        $end->{peer}{out} = "ok\n";
    }
    if (length $end->{out}) {
        my $count = syswrite $end->{handle}, $end->{out};
        if (defined $count) { substr($end->{out}, 0, $count) = '' }
        elsif ($! != EAGAIN && $! != EINTR) { return drop($end) }
    }
    return if length $end->{out} || !$end->{finish} || $end->{shut};
    shutdown $end->{handle}, 1;
    $end->{shut} = 1;
    close_ends($end) if $end->{eof} && (!$end->{peer} || $end->{peer}{shut});
}

# Ends a connection at once. Over TCP this is a reset.
sub drop {
    my ($end) = @_;
    setsockopt($_->{handle}, SOL_SOCKET, SO_LINGER, pack('i i', 1, 0)) for grep { defined } $end, $end->{peer};
    close_ends($end);
}

sub close_ends {
    my ($end) = @_;
    my @both = grep { defined } $end, $end->{peer};
    for my $one (@both) {
        delete $ends{ fileno $one->{handle} };
        close $one->{handle};
        $one->{closed} = 1;
        delete @$one{qw(peer on_line)};
    }
}

# --- routes (rtnetlink(7)) -------------------------------------------------------------------------

# Family and prefix length, and then: table "local", by an administrator, on this host only, type "local". The
# first attribute is the address, the second the interface: loopback is the first of every namespace.
sub add_route {
    my ($address) = @_;
    my $route = pack('C8 L', AF_INET, 32, 0, 0, 255, 3, 254, 2, 0);
    my $body = $route . pack('S S a4', 8, 1, inet_aton($address)) . pack('S S L', 8, 4, 1);
    socket(my $kernel, $AF_NETLINK, SOCK_RAW, 0) or die "netlink: $!\n";
    # NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL.
    send($kernel, pack('L S S L L', 16 + length $body, $RTM_NEWROUTE, 0x605, 1, 0) . $body, 0) // die "netlink: $!\n";
    recv($kernel, my $reply, 4096, 0) // die "netlink: $!\n";
    my $error = -unpack 'x16 l', $reply;
    local $! = $error;
    die "netlink: $!\n" if $error && $error != EEXIST;
}
