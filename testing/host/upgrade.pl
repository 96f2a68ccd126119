# upgrade.pl WAS BEFORE AFTER: carries over what an upgrade leaves alone. WAS is the old release as it was
# installed, BEFORE the host, AFTER the new release, which is written to.
#
# - Programs, rc(8), rc.d(8) and rc.conf(8) are the new release's. What the old one had besides is not
#   there any more; what somebody added stays.
# - Files of /etc and root's crontab, which sysmerge(8) looks after, stay where they were changed, and are the
#   new release's where they were not. What the new release no longer brings stays as well.
# - /var, /usr/local, /root and /home stay, and with them the packages.
# - Accounts of the new release join those that are there.
use strict;
use warnings;
use Fcntl ':mode';
use POSIX ();

my ($was, $before, $after) = @ARGV;

# Made anew at each start, or not the host's own.
my $passed_over = qr{^(?:dev|proc|sys|tmp|mirror|var/run)/};
my $accounts    = qr{^etc/(?:master\.passwd|passwd|shadow|group|gshadow)$};
# Always as the release has them.
my $system = qr{^etc/(?:rc|rc\.conf|rc\.d/.*|ssh/sshd_config\.d/.*)$};
my $merged = qr{^(?:etc|var|root|home|usr/local)(?:/|$)};
# What stands behind the package's programs here.
my $behind = qr{^usr/(?:libexec|libdata)/testhost/postfix-};

walk('');
only_installed('var/db/pkg');
merge_accounts();

sub walk {
    my ($folder) = @_;
    opendir my $handle, "$before/$folder" or die "$before/$folder: $!\n";
    for my $name (sort grep { !/^\.\.?$/ } readdir $handle) {
        my $path = length $folder ? "$folder/$name" : $name;
        next if "$path/" =~ $passed_over || $path =~ $accounts;
        carry($path) if stays($path);
        walk($path) if -d "$before/$path" && !-l "$before/$path" && -d "$after/$path" && !-l "$after/$path";
    }
}

# Whether what the host has at a path is to be there after the upgrade, instead of what the release has.
sub stays {
    my ($path) = @_;
    my $added   = !exists_at($was, $path);
    my $changed = $added || differ("$was/$path", "$before/$path");
    return $path =~ $behind || $added || $path =~ $merged && $path !~ $system unless exists_at($after, $path);
    return $changed && $path =~ $merged && ($added || $path !~ $system);
}

sub exists_at { my ($root, $path) = @_; return defined((lstat "$root/$path")[0]) }

sub differ {
    my ($one, $other) = @_;
    my @one   = lstat $one;
    my @other = lstat $other;
    return 1 if grep { $one[$_] != $other[$_] } 2, 4, 5;
    return readlink($one) ne readlink($other) if S_ISLNK($one[2]);
    return 0 unless S_ISREG($one[2]);
    return $one[7] != $other[7] || slurp($one) ne slurp($other);
}

sub carry {
    my ($path) = @_;
    my ($from, $to) = ("$before/$path", "$after/$path");
    my @stat = lstat $from or return;
    my $mode = $stat[2];
    # Sockets come with their daemons.
    return if S_ISSOCK($mode);
    if (!(S_ISDIR($mode) && -d $to && !-l $to)) { remove($to) }
    if    (S_ISDIR($mode)) { -d $to or mkdir $to or die "$to: $!\n" }
    elsif (S_ISLNK($mode)) { symlink readlink($from), $to or die "$to: $!\n" }
    elsif (S_ISFIFO($mode)) { POSIX::mkfifo($to, 0600) or die "$to: $!\n" }
    else                   { write_file($to, slurp($from)) }
    system('chown', '-h', "$stat[4]:$stat[5]", '--', $to) == 0 or die "$to: cannot be given away\n"
        if S_ISLNK($mode);
    return if S_ISLNK($mode);
    chown $stat[4], $stat[5], $to or die "$to: $!\n";
    chmod S_IMODE($mode), $to or die "$to: $!\n";
    utime $stat[8], $stat[9], $to;
}

sub remove {
    my ($path) = @_;
    return unless defined((lstat $path)[0]);
    system('rm', '-rf', '--', $path) == 0 or die "$path: cannot be removed\n";
}

# Takes away from AFTER what BEFORE does not have.
sub only_installed {
    my ($folder) = @_;
    opendir my $handle, "$after/$folder" or return;
    for my $name (grep { !/^\.\.?$/ } readdir $handle) {
        remove("$after/$folder/$name") unless exists_at($before, "$folder/$name");
    }
}

# Who is known on the host, and whoever only the new release knows, in the order of ids.
sub merge_accounts {
    my %id = ('master.passwd' => 2, passwd => 2, group => 2, shadow => undef, gshadow => undef);
    for my $name (sort keys %id) {
        my @lines = split /^/, slurp("$before/etc/$name");
        my %known = map { (split /:/)[0] => 1 } @lines;
        my $field = $id{$name};
        for my $line (grep { !$known{ (split /:/)[0] } } split /^/, slurp("$after/etc/$name")) {
            my $at = @lines;
            if (defined $field) {
                my $wanted = (split /:/, $line)[$field];
                for my $i (0 .. $#lines) {
                    my $there = (split /:/, $lines[$i])[$field];
                    if ($there =~ /^\d+$/ && $there > $wanted) { $at = $i; last }
                }
            }
            splice @lines, $at, 0, $line;
        }
        my @stat = stat "$before/etc/$name";
        write_file("$after/etc/$name", join '', @lines);
        chmod S_IMODE($stat[2]), "$after/etc/$name";
    }
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!\n";
    local $/;
    my $bytes = <$in>;
    return defined $bytes ? $bytes : '';
}

sub write_file {
    my ($path, $bytes) = @_;
    open my $out, '>:raw', $path or die "$path: $!\n";
    print {$out} $bytes;
    close $out or die "$path: $!\n";
}
