import type { Messages } from './en.ts'

const ask = 'Wenden Sie sich an die Administration Ihrer Organisation'
const address = `Prüfen Sie die Adresse, oder fragen Sie die Administration Ihrer Organisation danach.`
const meant = 'Fragen Sie die Administration Ihrer Organisation, ob das so gewollt ist.'
const whose =
  'Die Administration Ihrer Organisation wurde gefragt, welches Konto Ihres ist. Versuchen Sie es wieder, sobald das geklärt ist; dauert es lange, nennen Sie das Kennzeichen unten.'
const held = `${ask}, damit sie das klärt, und nennen Sie die Referenz unten. Melden Sie sich danach wieder an; mehr müssen Sie nicht tun.`
const setUp = `${ask}: Die Verbindung zu Ihrem Identitätsanbieter muss geprüft werden.`
const wait = 'Der Identitätsanbieter ist gerade gestört. Versuchen Sie es in Kürze noch einmal.'
const soon = 'Versuchen Sie es in Kürze noch einmal.'
const again = 'Bitte beginnen Sie von vorn.'
const report = `Wenn es wieder geschieht: ${ask} und nennen Sie die Referenz unten.`

/** Everything that pages say, in German. */
export const de: Messages = {
  locale: 'de',
  reasons: {
    unknown_organization: { what: 'Unter dieser Adresse gibt es keine Anmeldung.', next: address },
    unknown_connection: { what: 'Unter dieser Adresse gibt es keine Anmeldung.', next: address },
    invalid_request: { what: 'Eine Angabe fehlt, ist doppelt oder unbrauchbar.', next: report },
    invalid_return_to: {
      what: 'Die Adresse, zu der es zurückgehen soll, gehört nicht zu diesem Dienst.',
      next: 'Melden Sie sich stattdessen unter der Adresse Ihrer Organisation an.',
    },
    issuer_mismatch: {
      what: 'Der Identitätsanbieter hat sich mit einem anderen Namen gemeldet als erwartet.',
      next: setUp,
    },
    state_unknown: {
      what: 'Diese Anmeldung ist abgelaufen oder wurde schon abgeschlossen.',
      next: again,
    },
    test_unknown: {
      what: 'Diese Probe ist abgelaufen oder wurde schon begonnen.',
      next: 'Die Administration kann eine weitere beginnen.',
    },
    browser_mismatch: { what: 'Diese Anmeldung wurde nicht in diesem Browser begonnen.', next: again },
    provider_error: {
      what: 'Der Identitätsanbieter hat die Anmeldung abgelehnt.',
      next: 'Fragen Sie die Administration Ihrer Organisation, ob Ihnen diese Anwendung zugewiesen ist.',
    },
    invalid_grant: {
      what: 'Der Identitätsanbieter nimmt diese Anmeldung nicht mehr an.',
      next: again,
    },
    invalid_id_token: {
      what: 'Der Identitätsanbieter hat ein Token geschickt, das nicht angenommen werden kann.',
      next: setUp,
    },
    invalid_claims: {
      what: 'Der Identitätsanbieter hat die Person so beschrieben, dass es nicht angenommen werden kann.',
      next: setUp,
    },
    invalid_userinfo: {
      what: 'Der Identitätsanbieter hat eine andere Person beschrieben als in seinem Token.',
      next: setUp,
    },
    wrong_tenant: {
      what: 'Dieses Konto gehört zu einem anderen Verzeichnis als dem, das sich hier anmeldet.',
      next: 'Wählen Sie beim Identitätsanbieter Ihr Konto dieser Organisation.',
    },
    authentication_too_old: {
      what: 'Ihre Anmeldung beim Identitätsanbieter liegt länger zurück, als hier erlaubt ist.',
      next: 'Melden Sie sich beim Identitätsanbieter ab und versuchen Sie es erneut.',
    },
    authentication_too_weak: {
      what: 'Der Identitätsanbieter hat Sie nicht auf die Weise angemeldet, die hier nötig ist.',
      next: 'Versuchen Sie es mit einem zweiten Faktor, oder bitten Sie Ihre Administratoren um einen.',
    },
    invalid_logout_token: {
      what: 'Die Abmeldung, die der Identitätsanbieter geschickt hat, kann nicht angenommen werden.',
      next: setUp,
    },
    no_signals: { what: 'Hier werden keine Signale angenommen.', next: setUp },
    signal_unauthenticated: { what: 'Der Sender der Signale hat sein Geheimnis nicht gezeigt.', next: setUp },
    invalid_signal: { what: 'Das Signal des Identitätsanbieters kann nicht angenommen werden.', next: setUp },
    logout_token_replayed: {
      what: 'Diese Abmeldung des Identitätsanbieters kam schon einmal an.',
      next: setUp,
    },
    cross_site: { what: 'Diese Anfrage kam von einer anderen Website.', next: 'Es wurde nichts geändert.' },
    provider_metadata: {
      what: 'Der Identitätsanbieter ist anders eingerichtet, als diese Verbindung es erwartet.',
      next: setUp,
    },
    provider_address: {
      what: 'Der Identitätsanbieter nennt eine Adresse, die nicht verwendet werden kann.',
      next: setUp,
    },
    provider_response: {
      what: 'Der Identitätsanbieter hat eine Antwort geschickt, die keinen Sinn ergibt.',
      next: wait,
    },
    provider_unreachable: { what: 'Der Identitätsanbieter war nicht zu erreichen.', next: wait },
    client_rejected: {
      what: 'Der Identitätsanbieter erkennt diesen Dienst nicht als seinen Client an.',
      next: setUp,
    },
    provider_drifted: {
      what: 'Der Identitätsanbieter hat sich so verändert, dass es erst jemand genehmigen muss.',
      next: `${ask}, damit die Änderung genehmigt wird.`,
    },
    provider_timeout: { what: 'Der Identitätsanbieter hat nicht rechtzeitig geantwortet.', next: wait },
    user_name_taken: {
      what: 'Ihr Benutzername gehört in dieser Organisation schon einer anderen Person.',
      next: whose,
    },
    external_id_taken: {
      what: 'Ihre Kennung gehört in dieser Organisation schon einer anderen Person.',
      next: whose,
    },
    ambiguous_person: { what: 'Zwei Konten dieser Organisation könnten Ihres sein.', next: whose },
    login_taken: {
      what: 'Zum Konto, auf das diese Anmeldung zeigt, gehört schon ein anderer Login.',
      next: whose,
    },
    just_in_time_off: {
      what: 'Diese Organisation lässt nur herein, wer ihr vorher zugewiesen wurde.',
      next: `${ask}, damit Ihnen diese Anwendung zugewiesen wird.`,
    },
    not_pushed: {
      what: 'Es darf sich nur anmelden, wen das Verzeichnis der Organisation hierher gemeldet hat.',
      next: `${ask}, damit Ihnen diese Anwendung zugewiesen wird.`,
    },
    domain_not_verified: {
      what: 'Es darf sich nur anmelden, wer eine Adresse in den Domains der Organisation hat.',
      next: 'Bitte melden Sie sich mit dem Konto Ihrer Organisation an.',
    },
    domain_managed: {
      what: 'Wer eine Adresse wie Ihre hat, meldet sich über die eigene Organisation an.',
      next: 'Melden Sie sich dort an; was Sie hier vielleicht hatten, bleibt erhalten.',
    },
    signed_out: { what: 'Sie wurden abgemeldet, während Sie sich anmeldeten.', next: again },
    suspended: { what: 'Das Konto wurde gesperrt.', next: meant },
    workspace_unavailable: {
      what: 'Der Arbeitsbereich, in dem Sie arbeiten sollten, ist geschlossen; noch gibt es keinen Platz für Sie.',
      next: held,
    },
    home_unknown: {
      what: 'Ihre Organisation hat noch nicht gesagt, zu welchem Team Menschen wie Sie gehören; noch gibt es keinen Platz für Sie.',
      next: held,
    },
    deprovisioned: { what: 'Das Konto wurde entfernt.', next: meant },
    too_many_requests: { what: 'Es waren zu viele Anfragen in kurzer Zeit.', next: soon },
    payload_too_large: { what: 'Das Formular enthält mehr, als gelesen werden kann.', next: report },
    unsupported_media_type: { what: 'Das Formular kam in einer Form, die nicht lesbar ist.', next: report },
    not_found: { what: 'Unter dieser Adresse ist nichts.', next: address },
    unavailable: { what: 'Der Dienst ist für kurze Zeit nicht verfügbar.', next: soon },
    internal: { what: 'Bei uns ist etwas schiefgegangen.', next: report },
  },
  refused: {
    title: 'Sie sind nicht angemeldet',
    said: 'Er sagte:',
    again: 'Noch einmal versuchen',
    reason: 'Grund',
    reference: 'Referenz',
  },
  find: {
    title: 'Anmelden',
    label: 'Ihre E-Mail-Adresse bei der Arbeit',
    hint: 'Was nach dem @ steht, führt zu Ihrer Organisation. Davon wird nichts aufbewahrt.',
    submit: 'Weiter',
    malformed: 'Das ist keine E-Mail-Adresse. Eine sieht so aus: name@firma.example.',
    unknown: 'Keine Organisation meldet sich hier mit dieser Domain an.',
    instead:
      'Sie können sich trotzdem unter der Adresse Ihrer Organisation anmelden; deren Administration kennt sie. Sie sieht so aus:',
    placeholder: 'organisation',
  },
  failed: { title: 'Das hat nicht geklappt' },
  signedOut: {
    title: 'Sie sind abgemeldet',
    text: 'Sie können dieses Fenster schließen.',
    again: 'Wieder anmelden',
  },
  toTest: {
    title: 'Anmeldung erproben?',
    text: 'Sie melden sich wie gewohnt beim Identitätsanbieter an. Hier wird dadurch niemand angemeldet und nichts verändert.',
    seen: 'Weniger als eine Stunde lang kann die Administration sehen, was der Identitätsanbieter von Ihnen sagt.',
    begin: 'Probe beginnen',
  },
  tested: {
    title: 'Die Probe ist vorbei',
    well: 'Sie wären angemeldet worden. Niemand ist es, und nichts wurde verändert; Sie können dieses Fenster schließen.',
    unwell:
      'Sie wären nicht angemeldet worden; warum, steht im Bericht. Nichts wurde verändert; Sie können dieses Fenster schließen.',
    kept: 'Weniger als eine Stunde lang kann die Administration sehen, was der Identitätsanbieter von Ihnen gesagt hat.',
  },
  confirm: {
    title: 'Abmelden?',
    text: 'Ihre Sitzung in diesem Browser endet; nichts von Ihnen geht verloren.',
    leave: 'Abmelden',
    stay: 'Angemeldet bleiben',
  },
  choose: { title: 'Wählen Sie, wie Sie sich anmelden' },
  nobody: { title: 'Usher', text: 'Hier ist niemand angemeldet.', enter: 'Anmelden' },
  place: {
    none: 'Noch kein Arbeitsbereich',
    welcome: 'Willkommen,',
    signedInAs: 'Angemeldet als',
    organization: 'Organisation',
    workspace: 'Arbeitsbereich',
    role: 'Ihre Rolle',
    home: 'Zugehörig zu',
    roles: { owner: 'Eigentümer:in', admin: 'Administrator:in', member: 'Mitglied', viewer: 'Leser:in' },
    leave: 'Abmelden',
  },
  checklist: {
    title: 'Erste Schritte',
    progress: 'Erledigt:',
    done: 'erledigt',
    open: 'offen',
    finish: 'Als erledigt markieren',
    dismiss: 'Liste ausblenden',
    resume: 'Liste der ersten Schritte zeigen',
    complete: 'Sie haben alles erledigt.',
  },
}
