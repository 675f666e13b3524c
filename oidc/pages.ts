import type { Refusal } from './refusal.ts'

/** Whose sign-in it is, as far as that is known. */
export interface Organization {
  readonly slug: string
  readonly name: string
  /** The address of an image. */
  readonly logo?: string
}

/** What a person is asked for an address with. */
export interface AddressQuestion {
  readonly returnTo: string
  /** Further fields of the form. */
  readonly demand?: Readonly<Record<string, string>>
  readonly address?: string
  /** Why it is asked again. */
  readonly problem?: 'malformed' | 'unknown'
}

/** Whole HTML documents; everything passed in is text that the page must escape. */
export interface Pages {
  refused(
    refusal: Refusal,
    context: { requestId: string; retry?: string; organization?: Organization },
  ): string
  /** Asks for an e-mail address: its form posts `login_hint`, `return_to` and the fields of the demand to `/login`. */
  askAddress(question: AddressQuestion): string
  /** Whose session it was is known where this browser has just ended it. */
  signedOut(organization?: Organization): string
  /** Asks before a test is begun: its form posts the `token` to the address it is shown at. */
  askToTest(
    test: { readonly connectionId: string; readonly token: string },
    organization: Organization,
  ): string
  tested(test: { readonly ok: boolean }, organization: Organization): string
  /** Asks before signing out: its form posts to `/logout`. Absent: `GET /logout` leads to `/` instead. */
  confirmSignOut?(organization?: Organization): string
  choose(connections: readonly { name: string; url: string }[], organization: Organization): string
}
