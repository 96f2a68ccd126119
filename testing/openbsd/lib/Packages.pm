package Packages;

# What pkg_add, pkg_info and pkg_delete share: names and specifications, repositories, the database of
# what is installed, its lock, and packing lists.

use strict;
use warnings;
use Fcntl qw(:flock);
use Release;

our $DB = $ENV{PKG_DBDIR} || '/var/db/pkg';

# --- names ---------------------------------------------------------------------------------------

# postfix-3.7.11p0-sasl2-mysql: stem, version, flavors (packages-specs(7)).
sub parse_name {
    my ($name) = @_;
    my ($stem, $version, $flavors) = $name =~ /^(.*?)-(\d[^-]*)((?:-[^-]+)*)$/ or return;
    return { stem => $stem, version => $version, flavors => flavor_set($flavors) };
}

sub flavor_set {
    my ($text) = @_;
    return join '-', sort grep { length } split /-/, $text // '';
}

# What is asked for on a command line: a stem, `stem--flavor`, `stem%branch`, or an exact name.
sub parse_spec {
    my ($text) = @_;
    my $branch;
    $branch = $1 if Release::has('pkg_branch') && $text =~ s/%([^%]+)$//;
    if ($text =~ /^(.+?)--(.*)$/) {
        return { stem => $1, flavors => flavor_set($2), branch => $branch };
    }
    if (my $exact = parse_name($text)) {
        return { %$exact, exact => $text, branch => $branch };
    }
    return { stem => $text, branch => $branch };
}

sub matches {
    my ($spec, $name, $pkgpath) = @_;
    return $name eq $spec->{exact} if defined $spec->{exact};
    my $parsed = parse_name($name) or return 0;
    return 0 if $parsed->{stem} ne $spec->{stem};
    return 0 if defined $spec->{flavors} && $spec->{flavors} ne $parsed->{flavors};
    return 0 if defined $spec->{branch} && branch_of($pkgpath->()) ne $spec->{branch};
    return 1;
}

# mail/postfix/stable,mysql is on branch "stable".
sub branch_of {
    my ($pkgpath) = @_;
    $pkgpath =~ s/,.*//;
    return (split m{/}, $pkgpath)[-1] // '';
}

sub compare_versions {
    my ($left, $right) = @_;
    my ($l, $lp) = $left =~ /^(.*?)(?:p(\d+))?$/;
    my ($r, $rp) = $right =~ /^(.*?)(?:p(\d+))?$/;
    my @l = $l =~ /(\d+|[a-z]+)/gi;
    my @r = $r =~ /(\d+|[a-z]+)/gi;
    while (@l || @r) {
        my ($a, $b) = (shift @l // -1, shift @r // -1);
        my $order = "$a$b" =~ /^[-\d]+$/ ? $a <=> $b : $a cmp $b;
        return $order if $order;
    }
    return ($lp // -1) <=> ($rp // -1);
}

# --- repositories --------------------------------------------------------------------------------

# The repositories to search, in their order (1.4): each is one to `pkg_info -Q`.
sub search_path {
    my @variables = Release::has('pkg_trusted_path') ? qw(TRUSTED_PKG_PATH PKG_PATH) : qw(PKG_PATH);
    for my $variable (@variables) {
        return split_path($ENV{$variable}) if length($ENV{$variable} // '');
    }
    return ('./', install_path());
}

# Colons separate, but not those of a URL before its path: of its scheme, its user and its port.
sub split_path {
    my ($path) = @_;
    my @parts;
    while (length $path) {
        if    ($path =~ s{^((?:ftp|https?|scp)://[^/]*/[^:]*)(?::|$)}{}) { push @parts, $1 }
        elsif ($path =~ s{^(file:[^:]*)(?::|$)}{})                       { push @parts, $1 }
        elsif ($path =~ s{^([^:]*)(?::|$)}{})                            { push @parts, $1 if length $1 }
    }
    return map { m{/$} ? $_ : "$_/" } @parts;
}

# To 6.0 the installpath of /etc/pkg.conf, from 6.1 on the mirror of /etc/installurl.
sub install_path {
    return pkg_conf() unless Release::has('pkg_installurl');
    my ($release, $arch) = (Release::value('release'), Release::value('arch'));
    open my $in, '<', '/etc/installurl' or return;
    while (my $line = <$in>) {
        next if $line =~ /^\s*(?:#|$)/;
        my ($mirror) = $line =~ /(\S+)/;
        $mirror =~ s{/$}{};
        return map { "$mirror/$release/$_/$arch/" } qw(packages-stable packages);
    }
    return;
}

# A value is one repository, to its last character; a comment has a line to itself.
sub pkg_conf {
    my @values;
    open my $in, '<', '/etc/pkg.conf' or return;
    while (my $line = <$in>) {
        next if $line =~ /^\s*(?:#|$)/;
        my ($key, $more, $value) = $line =~ /^\s*(.*?)\s*(\+?)=\s*(.*?)\s*$/ or next;
        @values = ($more ? @values : (), $value) if lc $key eq 'installpath';
    }
    my %letters = (a => Release::value('arch'), c => Release::value('release'), v => Release::value('release'));
    $letters{m} = "pub/OpenBSD/$letters{c}/packages/$letters{a}";
    if (Release::has('pkg_conf_letters')) { s/%([acvm])/$letters{$1}/g for @values }
    return map { m{/$} ? $_ : "$_/" } @values;
}

# File names of the packages in a repository; what is wrong with it is said once, on stderr (1.3).
my %listed;

sub list_repository {
    my ($url) = @_;
    return @{ $listed{$url} } if $listed{$url};
    $listed{$url} = [];
    my $folder = local_folder($url);
    if (!defined $folder) {
        my ($host, $port) = $url =~ m{^\w+://([^/:]+)(?::(\d+))?};
        print STDERR "$url: ftp: ",
            defined $port ? "connect: Connection refused" : "$host: no address associated with name", "\n";
        print STDERR "$url: empty\n";
    }
    else {
        if (opendir my $dir, $folder) {
            $listed{$url} = [ sort map { /^(.+)\.tgz$/ ? $1 : () } readdir $dir ];
        }
        print STDERR "file:$folder: empty\n" if !@{ $listed{$url} } && $url ne './';
    }
    return @{ $listed{$url} };
}

# Whether there is a package of this stem, without a word.
sub has_stem {
    my ($url, $stem) = @_;
    my $folder = local_folder($url) // return 0;
    opendir my $dir, $folder or return 0;
    return scalar grep { /^\Q$stem\E-\d.*\.tgz$/ } readdir $dir;
}

sub local_folder {
    my ($url) = @_;
    return $url if $url =~ s{^file:(?://(?=/))?}{};
    return if $url =~ m{^\w+://};
    return $url;
}

# The packing list of a package file.
my %plist_of;

sub plist_in {
    my ($file) = @_;
    return $plist_of{$file} if $plist_of{$file};
    my $folder = local_folder($file);
    return unless defined $folder && -f $folder;
    my $text = member_of($folder, '+CONTENTS');
    return length $text ? $plist_of{$file} = parse_plist($text) : undef;
}

# One of the records at the beginning of a package, or nothing.
sub member_of {
    my ($file, $wanted) = @_;
    open my $tar, '-|', 'gzip', '-dc', '--', $file or return '';
    binmode $tar;
    while ((read $tar, my $header, 512) == 512) {
        my ($name, $size) = unpack 'Z100 x24 Z12', $header;
        last unless $name =~ /^\+/;
        $size = oct $size;
        read $tar, my $text, $size + (-$size % 512);
        return substr $text, 0, $size if $name eq $wanted;
    }
    return '';
}

# What a package says when it is installed.
sub message_in { return member_of(local_folder($_[0]), '+DISPLAY') }

# All matches in the first repository that has any.
sub candidates {
    my ($spec) = @_;
    for my $url (search_path()) {
        my @found;
        for my $name (list_repository($url)) {
            my $file = "$url$name.tgz";
            push @found, { name => $name, file => $file }
                if matches($spec, $name, sub { plist_in($file)->{pkgpath} });
        }
        return most_recent(@found) if @found;
    }
    return;
}

# Of several versions with one pkgpath only the newest counts; other paths stay beside each other.
sub most_recent {
    my @found = @_;
    return @found if @found < 2;
    my %best;
    for my $candidate (@found) {
        my $path  = plist_in($candidate->{file})->{pkgpath};
        my $other = $best{$path};
        $best{$path} = $candidate
            if !$other
            || compare_versions(version_of($candidate->{name}), version_of($other->{name})) > 0;
    }
    return values %best;
}

sub version_of { return parse_name($_[0])->{version} }

# --- packing lists -------------------------------------------------------------------------------

sub parse_plist {
    my ($text) = @_;
    my %plist = (
        name => '', pkgpath => '', text => $text, cwd => '/usr/local', files => [], folders => [],
        conflicts => [], depends => [], groups => [], users => [], on_add => [], on_update => [],
        on_delete => [], extra => [], rcscripts => [], manual => 0, branch => 0, comment => '',
        notes => {},
    );
    my $cwd = '/usr/local';
    my $last = '';
    my $absolute = sub { $_[0] =~ m{^/} ? $_[0] : "$cwd/$_[0]" };
    for my $line (split /\n/, $text) {
        if ($line !~ /^\@/) {
            push @{ $plist{ $line =~ m{/$} ? 'folders' : 'files' } }, $last = $absolute->($line);
            next;
        }
        my ($keyword, $rest) = $line =~ /^\@([\w-]+)\s*(.*)$/ or next;
        if    ($keyword eq 'name')     { $plist{name} = $rest }
        elsif ($keyword eq 'cwd')      { $cwd = $rest }
        elsif ($keyword eq 'conflict') { push @{ $plist{conflicts} }, $rest }
        elsif ($keyword eq 'depend')   { push @{ $plist{depends} }, (split /:/, $rest)[-1] }
        elsif ($keyword eq 'newgroup') { push @{ $plist{groups} }, [ split /:/, $rest ] }
        elsif ($keyword eq 'newuser')  { push @{ $plist{users} }, [ split /:/, $rest ] }
        elsif ($keyword =~ /^(?:un)?exec-(add|update|delete)$/) {
            my $when = $1;
            $rest =~ s/%D/$cwd/g;
            push @{ $plist{"on_$when"} }, $rest;
        }
        elsif ($keyword eq 'extra')    { push @{ $plist{extra} }, $rest }
        elsif ($keyword eq 'rcscript') {
            push @{ $plist{files} },     $last = $rest;
            push @{ $plist{rcscripts} }, $rest;
        }
        # Of the file before it.
        elsif ($keyword =~ /^(?:sha|size|symlink)$/) { $plist{notes}{$last}{$keyword} = $rest }
        elsif ($keyword eq 'comment' && $rest =~ /^pkgpath=(\S+)/) { $plist{pkgpath} = $1 }
        elsif ($keyword eq 'option' && $rest eq 'manual-installation') { $plist{manual} = 1 }
        elsif ($keyword eq 'option' && $rest eq 'is-branch')           { $plist{branch} = 1 }
    }
    return \%plist;
}

# --- what is installed ---------------------------------------------------------------------------

sub installed { return grep { !/^partial-/ } registered() }

# What an installation has left that was ended by a signal (1.3).
sub partial { return grep { /^partial-/ } registered() }

sub registered { return grep { -d "$DB/$_" } all_entries() }

# Whatever stands in the database, where there should be nothing but folders.
sub all_entries {
    opendir my $dir, $DB or return;
    return sort grep { !/^\./ } readdir $dir;
}

# Whether an installed package is what a dependency is on.
sub same_stem {
    my ($wanted, $name) = @_;
    my ($one, $other) = map { parse_name($_) || {} } $wanted, $name;
    return ($one->{stem} // $wanted) eq ($other->{stem} // '');
}

sub installed_plist {
    my ($name) = @_;
    return parse_plist(slurp("$DB/$name/+CONTENTS"));
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/;
    my $text = <$in>;
    return $text // '';
}

# The first line of +DESC is the one-line comment.
sub comment_of {
    my ($name) = @_;
    return (split /\n/, slurp("$DB/$name/+DESC"))[0] // '';
}

# A specification against what is installed: a glob such as postfix-*, a pkgpath, or as on the
# command line.
sub installed_matching {
    my ($text) = @_;
    if ($text =~ m{/}) {
        return grep {
            (my $path = installed_plist($_)->{pkgpath}) =~ s/,.*//;
            $path eq $text || installed_plist($_)->{pkgpath} eq $text;
        } installed();
    }
    return grep { conflict_matches($text, $_) } installed() if $text =~ /[*<>=]/;
    my $spec = parse_spec($text);
    return grep {
        my $name = $_;
        matches($spec, $name, sub { installed_plist($name)->{pkgpath} })
    } installed();
}

# Only the form that packing lists and people use: a shell pattern.
sub conflict_matches {
    my ($pattern, $name) = @_;
    my $regexp = join '', map { $_ eq '*' ? '.*' : quotemeta } split /(\*)/, $pattern;
    my $parsed = parse_name($name) or return 0;
    (my $stem = $pattern) =~ s/-\*$//;
    return $name =~ /^$regexp$/ && ($pattern !~ /-\*$/ || $parsed->{stem} eq $stem);
}

# --- the lock ------------------------------------------------------------------------------------

# Held until the program ends. Who finds it taken says so and waits, for ever if need be.
my $lock;

sub lock_database {
    my ($mode) = @_;
    open $lock, '<', $DB or return;
    return if flock $lock, $mode | LOCK_NB;
    my $before = select STDERR;
    local $| = 1;
    print STDERR 'Package database already locked... awaiting release... ';
    1 until flock $lock, $mode;
    print STDERR "done!\n";
    select $before;
}

1;
