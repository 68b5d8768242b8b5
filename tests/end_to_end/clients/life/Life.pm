# The life, for Perl: what is asked and what is printed. The toolkit hands over how it makes a call.
package Life;
use strict;
use warnings;
use utf8;

binmode STDOUT, ':encoding(UTF-8)';

sub step {
    my ($name, $made) = @_;
    my $said = eval { $made->() };
    my $problem = $@;
    $_ = defined $_ ? $_ =~ s/\s*\n\s*/ /gr : '' for $said, $problem;
    print $problem ne '' ? "$name!$problem\n" : "$name=$said\n";
}

# `call` takes user, password, service, operation, fields as a list of pairs, and gives the answer as hashes and
# lists; it dies with the text of a fault. A limit is [text, unlimited]. `limit` tells a limit of an answer.
sub live {
    my ($tag, $call, $limit) = @_;
    my ($line, $first, $second);
    my $as = sub { my ($user, $operation, @fields) = @_; $call->($user, "$user-secret", split(/\./, $operation), \@fields) };
    my $rows = sub { my ($found) = @_; ref $found eq 'ARRAY' ? @$found : defined $found ? ($found) : () };
    my $logins = sub { join ',', map { $_->{login} } $rows->($_[0]{client}) };
    my $fault = sub { my ($made) = @_; eval { $made->(); 1 } ? 'no fault' : $@ };
    my @profile = (company => 'Cleo Ltd', password => 'Pass-2025', country => 'us');

    step(lists => sub { $logins->($as->('admin', 'Client.GetClients', parentID => 10)) });
    step(empty => sub { $logins->($as->('acme', 'Client.GetClients')) });
    step(adds => sub {
        my $answer = $as->('northwind', 'Extension.AddExtension', name => 'Zoë Łukasz', company => 'Söhne & Co <1>',
            login => $tag, password => 'Pass-2025', country => 'us', parentID => 20);
        $line = $answer->{ID};
        $answer->{result};
    });
    step(edits => sub {
        $as->('northwind', 'Extension.EditExtension', name => 'Žofie Ångström', ID => $line);
        my $told = $as->('northwind', 'Extension.GetExtensionDetails', ID => $line);
        "$told->{name}|$told->{company}";
    });
    step(number => sub {
        my ($free) = $rows->($as->('northwind', 'Channel.GetPublicNoPoll', userID => 20)->{publicNo}{available});
        $as->('northwind', 'Channel.AssignPublicNo', didID => $free->{ID}, userID => $line);
        my $poll = $as->('northwind', 'Channel.GetPublicNoPoll', userID => $line)->{publicNo};
        my ($assigned) = $rows->($poll->{assigned});
        my $gone = $as->('northwind', 'Extension.DelExtension', ID => $line);
        "$assigned->{externalNo} $gone->{items}";
    });
    step(limits => sub {
        ($first, $second) = map {
            $as->('acme', 'Client.AddClient', name => 'Cleo Client', login => "$tag-$_", @profile)->{ID}
        } qw(first second);
        $as->('acme', 'Client.SetClientPL', phoneExtMax => [0, 1], queueExtMax => [3, 0], ID => $first);
        my $found = $as->('acme', 'Client.GetClientPL', ID => $first)->{userPL};
        my ($phone, $queue) = map { $limit->($found->{$_}) } qw(phoneExtMax queueExtMax);
        "$phone->[1] $queue->[0]";
    });
    step(deletes => sub { $as->('acme', 'Client.DelClient', ID => $first, ID => $second)->{items} });
    step(fault => sub { $fault->(sub { $as->('acme', 'Client.AddClient', name => 'Cleo', login => 'northwind', @profile) }) });
    step(password => sub { $fault->(sub { $call->('acme', 'not-it', 'Client', 'GetClients', []) }) });
}

1;
