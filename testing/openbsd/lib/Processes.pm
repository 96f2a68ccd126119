package Processes;

# The processes of the host as ps(1) and pgrep(1) of OpenBSD show them (docs/openbsd.md 11): by what was run and
# not by the script that it runs, with the program's name behind a title that it gave itself, and with
# "perl: " before a title that Perl was given through $0.

use strict;
use warnings;
use Release;

# All of them by number. `name` is the program's, `arguments` what pgrep -f matches, `command` what ps shows.
sub all {
    opendir my $folder, '/proc' or die "/proc: $!\n";
    my @found = grep { defined } map { one($_) } sort { $a <=> $b } grep { /^\d+$/ } readdir $folder;
    return @found;
}

# Undefined for one that has ended meanwhile.
sub one {
    my ($pid) = @_;
    my $status = contents("/proc/$pid/status");
    my $stat   = contents("/proc/$pid/stat");
    return unless defined $status && defined $stat && $stat =~ /\) (\S) (.*)/s;
    my ($state, @numbers) = ($1, split ' ', $2);
    my ($comm) = $status =~ /^Name:\t(.*)$/m;
    my ($real, $effective) = $status =~ /^Uid:\t(\d+)\t(\d+)/m or return;
    my ($real_group, $group) = $status =~ /^Gid:\t(\d+)\t(\d+)/m;
    my %process = (
        pid => $pid, ppid => $numbers[0], pgid => $numbers[1], sess => $numbers[2], tty => $numbers[3],
        uid => $effective, ruid => $real, gid => $group, rgid => $real_group,
        ticks => $numbers[10] + $numbers[11], started => $numbers[18], state => $state,
    );
    named(\%process, $comm, contents("/proc/$pid/cmdline") // '');
    return \%process;
}

sub named {
    my ($process, $comm, $cmdline) = @_;
    if ($process->{pid} == 1) {
        @$process{qw(name arguments command)} = ('init', '/sbin/init', '/sbin/init');
        return;
    }
    $cmdline =~ s/[\0 ]+\z//;
    # One that has ended, and is not waited for yet, has only its name.
    if (!length $cmdline) {
        @$process{qw(name arguments command)} = ($comm, $comm, "($comm)");
        return;
    }
    # A title that a program gave itself is one word with blanks in it.
    my ($first) = split /[\0 ]/, $cmdline;
    (my $title = $cmdline) =~ tr/\0/ /;
    (my $program = $first) =~ s{.*/}{};
    my $name = $comm;
    if ($program =~ /^(?:perl|ksh|sh)$/) { $name = $program }
    # The parent of the smtpd that stands in has no title, and the release's has.
    elsif ($comm eq 'smtpd' && $first eq '/usr/sbin/smtpd' && length Release::value('smtpd_title')) {
        $title = Release::value('smtpd_title');
        $program = '';
    }
    elsif (is_perls_title($process->{pid}, $comm, $title)) {
        $name = 'perl';
        $title = "perl: $title";
        $program = '';
    }
    # Linux keeps 15 letters of a name.
    my $known = length $name == 15 ? substr($program, 0, 15) eq $name : $program eq $name;
    @$process{qw(name arguments command)} = ($name, $title, $known ? $title : "$title ($name)");
}

# Perl names the process like its $0, which exec(2) with a title of its own does not, and neither do the
# programs of this host that stand for one of OpenBSD.
sub is_perls_title {
    my ($pid, $comm, $title) = @_;
    my $program = readlink "/proc/$pid/exe";
    return defined $program && $program =~ m{/perl[\d.]*$} && substr($title, 0, 15) eq $comm;
}

sub contents {
    my ($file) = @_;
    open my $in, '<', $file or return;
    local $/;
    return scalar readline $in;
}

1;
