/**
 * The unified event of Leadgate: one JSON for messages, echoes, statuses,
 * automatic events, account notices, conversions and leads, whoever the provider is.
 * A forward destination gets one in each POST, an inline handler an array.
 *
 * Every key is always present, and what is unknown is null. Times are UNIX
 * milliseconds. A test compares these declarations with unified.schema.json.
 *
 *     import type { UnifiedEvent } from "./unified";
 *
 *     function handle(event: UnifiedEvent) {
 *       switch (event.kind) {
 *         case "message":
 *           return reply(event.waId, event.message.text, event.referral.adId);
 *         case "status":
 *           return update(event.status.messageId, event.status.state);
 *       }
 *     }
 */
export type UnifiedEvent =
  | InboundMessage
  | Echo
  | StatusUpdate
  | AutomaticEventNotice
  | AccountNotice
  | ConversionPosted
  | LeadSent;

/** What an event is; it tells the seven shapes apart. */
export type Kind = UnifiedEvent["kind"];

/** Where the chat takes place, lead_ads for a form; null for a webhook of an unknown object. */
export type Channel = "whatsapp" | "messenger" | "instagram" | "sms" | "lead_ads" | null;

/** What all kinds have. */
export interface EventBase {
  /** UUID v5; the same for a redelivery, so also the key to drop duplicates by. */
  id: string;
  /** The tenant that the configuration names. */
  tenantId: string;
  channel: Channel;
  /** meta, gupshup, whapi, 360dialog, twilio, or a provider module of your own. */
  provider: string;
  /** The business that received it. */
  account: Account;
  /** The customer's number, E.164; null where there is none. Never guessed. */
  waPhone: string | null;
  /** The customer's WhatsApp id as the provider sent it; where replies go. */
  waId: string | null;
  /** WhatsApp business scoped user id, Messenger PSID or Instagram IGSID. */
  userId: string | null;
  username: string | null;
  /** Where the chat is a group. */
  groupId: string | null;
  profileName: string | null;
  /** The provider's own word for it: message, status, the change's field, … */
  rawLastEventType: string | null;
  /** "v3" for Cloud-API-shaped bodies; Gupshup V2: "v2", or what it carries. */
  rawVersion: string | null;
  /** The provider's own time; ingestedAt where it gives none. */
  receivedAt: number;
  /** When the edge took it. */
  ingestedAt: number;
  /** As soon as a status or billing notice carries a conversation or a price. */
  conversation: Conversation | null;
  /** WhatsApp's value.conversation_context as it came: an agent's summary of the chat. */
  conversationContext: JSONObject | null;
  /** The contact's stored clicks when the event was first sent; null inline, and without a click. */
  attribution: Attribution | null;
  /** The provider's own JSON for this event: an object, unless a body of another shape was passed on as account. */
  raw: unknown;
}

/** A message from the customer. */
export interface InboundMessage extends EventBase {
  kind: "message";
  lead: null;
  /** receivedAt + 24 h; null for system, standby, edit and revoke, which open no window. */
  replyUntil: number | null;
  message: Message;
  referral: Referral;
  utm: UTM;
  ad: Ad;
  status: null;
  automaticEvent: null;
  conversion: null;
  /** The click on a link that the message's code names; null for a message without a known code, and inline. */
  link: Link | null;
}

/** A message that the business sent, by whatever app. */
export interface Echo extends EventBase {
  kind: "echo";
  lead: null;
  replyUntil: null;
  link: null;
  message: Message;
  referral: null;
  utm: null;
  ad: null;
  status: null;
  automaticEvent: null;
  conversion: null;
}

/** What became of a message of the business. */
export interface StatusUpdate extends EventBase {
  kind: "status";
  lead: null;
  replyUntil: null;
  link: null;
  message: null;
  referral: null;
  utm: null;
  ad: null;
  status: Status;
  automaticEvent: null;
  conversion: null;
}

/** A lead or purchase that Meta detected in a chat. */
export interface AutomaticEventNotice extends EventBase {
  kind: "automatic_event";
  lead: null;
  replyUntil: null;
  link: null;
  message: null;
  referral: null;
  utm: null;
  ad: null;
  status: null;
  automaticEvent: AutomaticEvent;
  conversion: null;
}

/** Everything else: templates, quality, calls, settings, unknown fields. raw has it all. */
export interface AccountNotice extends EventBase {
  kind: "account";
  lead: null;
  replyUntil: null;
  link: null;
  message: null;
  referral: null;
  utm: null;
  ad: null;
  status: null;
  automaticEvent: null;
  conversion: null;
}

/** A conversion that was posted to leadgate_conversions. */
export interface ConversionPosted extends EventBase {
  kind: "conversion";
  lead: null;
  replyUntil: null;
  link: null;
  message: null;
  referral: null;
  utm: null;
  ad: null;
  status: null;
  automaticEvent: null;
  /** What was posted, without email. */
  conversion: JSONObject;
}

/** A person sent an instant form of a lead ad. */
export interface LeadSent extends EventBase {
  kind: "lead";
  replyUntil: null;
  link: null;
  message: null;
  referral: null;
  utm: null;
  ad: null;
  status: null;
  automaticEvent: null;
  conversion: null;
  lead: Lead;
}

export interface JSONObject {
  [key: string]: unknown;
}

/** The business's ids; which of them are there depends on the provider. */
export interface Account {
  wabaId: string | null;
  phoneNumberId: string | null;
  displayPhoneNumber: string | null;
  pageId: string | null;
  instagramId: string | null;
  /** Gupshup's app: its name in V2, its id (gs_app_id) in V3. */
  app: string | null;
  /** Whapi's channel. */
  channelId: string | null;
}

export type MessageType =
  | "text"
  | "image"
  | "video"
  | "audio"
  | "document"
  | "sticker"
  | "location"
  | "contacts"
  | "interactive"
  | "button"
  | "reaction"
  | "order"
  | "system"
  | "edit"
  | "revoke"
  | "request_welcome"
  | "referral"
  | "share"
  | "story_mention"
  | "unsupported";

/** The content of a message or echo. */
export interface Message {
  /** The provider's id of the message (wamid, mid, …). */
  id: string | null;
  type: MessageType;
  /** The text, or the label of the button that was pressed. Captions are caption. */
  text: string | null;
  mediaId: string | null;
  mimeType: string | null;
  caption: string | null;
  mediaUrl: string | null;
  /** 64 hex digits, lower case. */
  sha256: string | null;
  filename: string | null;
  voice: boolean | null;
  animated: boolean | null;
  /** Where there is more than one; the first also fills the fields above. */
  attachments: Attachment[] | null;
  contacts: Contact[] | null;
  location: Location | null;
  interactive: Interactive | null;
  reaction: Reaction | null;
  order: Order | null;
  system: System | null;
  context: Context | null;
  referredProduct: ReferredProduct | null;
  /** Edit, revoke: the message meant. */
  originalId: string | null;
  errors: ProviderError[] | null;
  forwarded: boolean;
  frequentlyForwarded: boolean;
  replyToId: string | null;
}

/** One of several files of a message. */
export interface Attachment {
  type: string;
  mediaId: string | null;
  mediaUrl: string | null;
  mimeType: string | null;
  filename: string | null;
  title: string | null;
}

/** A contact card. */
export interface Contact {
  phones: ContactPhone[] | null;
  name: ContactName | null;
  emails: ContactEmail[] | null;
  org: JSONObject | null;
  addresses: unknown[] | null;
  urls: unknown[] | null;
  birthday: string | null;
}

export interface ContactPhone {
  phone: string | null;
  wa_id: string | null;
  /** In lower case. */
  type: string | null;
}

export interface ContactName {
  formatted_name: string | null;
  first_name: string | null;
  last_name: string | null;
  middle_name: string | null;
  prefix: string | null;
  suffix: string | null;
}

export interface ContactEmail {
  email: string | null;
  /** In lower case. */
  type: string | null;
}

/** A place, in degrees. */
export interface Location {
  lat: number | null;
  lng: number | null;
  name: string | null;
  address: string | null;
}

/** A button, a list choice, a flow's answer, a postback. id, title and payload are filled whatever the type. */
export interface Interactive {
  type: string | null;
  id: string | null;
  title: string | null;
  payload: string | null;
  button_reply: ButtonReply | null;
  list_reply: ListReply | null;
  nfm_reply: NfmReply | null;
}

export interface ButtonReply {
  id: string | null;
  title: string | null;
}

export interface ListReply {
  id: string | null;
  title: string | null;
  description: string | null;
}

/** The answer of a WhatsApp Flow. */
export interface NfmReply {
  name: string | null;
  body: string | null;
  response_json: string | null;
  /** response_json parsed; null if it is not JSON. */
  response: unknown;
}

export interface Reaction {
  messageId: string | null;
  /** Null: the reaction was taken back. */
  emoji: string | null;
}

/** A cart sent from a catalog. */
export interface Order {
  catalogId: string | null;
  text: string | null;
  items: OrderItem[] | null;
}

export interface OrderItem {
  productRetailerId: string | null;
  quantity: number | null;
  /** With the digits received; a JavaScript number rounds beyond 15 of them. */
  itemPrice: number | null;
  currency: string | null;
}

/** The customer has another number or id: waId the old id, newWaId the new. */
export interface System {
  type: string | null;
  body: string | null;
  waId: string | null;
  newWaId: string | null;
  userId: string | null;
  previousUserId: string | null;
}

/** The message that this one answers. */
export interface Context {
  id: string | null;
  from: string | null;
  gsId: string | null;
}

/** The catalog product that a message asks about. */
export interface ReferredProduct {
  catalogId: string | null;
  productRetailerId: string | null;
}

/** An error as the provider reports it. */
export interface ProviderError {
  code: number | string | null;
  title: string | null;
  message: string | null;
  details: string | null;
}

/** The click that brought the message; all null when organic. */
export interface Referral {
  /** The click id of a click-to-WhatsApp ad. */
  ctwaClid: string | null;
  sourceUrl: string | null;
  /** "ad", "post", … */
  sourceType: string | null;
  sourceId: string | null;
  headline: string | null;
  body: string | null;
  mediaType: string | null;
  imageUrl: string | null;
  videoUrl: string | null;
  thumbnailUrl: string | null;
  welcomeMessage: string | null;
  /** The ref of the ad or of the link. */
  ref: string | null;
  /** The ad, wherever the channel puts it. */
  adId: string | null;
  /** Whapi: context.conversion.data. */
  dedupToken: string | null;
}

/** The utm_ parameters of the referral's sourceUrl. */
export interface UTM {
  source: string | null;
  medium: string | null;
  campaign: string | null;
  content: string | null;
  term: string | null;
}

/** The ad parameters of the referral's sourceUrl. */
export interface Ad {
  campaignId: string | null;
  adsetId: string | null;
  adId: string | null;
  placement: string | null;
  siteSourceName: string | null;
}

export interface Conversation {
  id: string | null;
  /** UNIX milliseconds. */
  expirationTimestamp: number | null;
  originType: string | null;
  pricing: Pricing | null;
}

export interface Pricing {
  category: string | null;
  billable: boolean | null;
  pricingModel: string | null;
  type: string | null;
}

export interface Status {
  messageId: string | null;
  /** Gupshup's own id of the message. */
  gsId: string | null;
  /** The provider's word in lower case: sent, delivered, read, failed, … */
  state: string | null;
  recipientId: string | null;
  /** Messenger: everything up to this time, UNIX milliseconds. */
  watermark: number | null;
  errors: ProviderError[] | null;
  callbackData: string | null;
}

export interface AutomaticEvent {
  /** LeadSubmitted or Purchase. */
  eventName: string | null;
  ctwaClid: string | null;
  /** ISO 4217. */
  currency: string | null;
  /** In major units. */
  value: number | null;
}

/** A click on a link of yours that leads to the chat. */
export interface Link {
  /** The link's, in the configuration. */
  name: string;
  /** As the message has it: K7QW3-MPDXR. */
  code: string;
  /** UNIX milliseconds; null where the code stands for no single click, and where it is shared. */
  clickedAt: number | null;
  /** Another contact's click, or one too long ago: params are of the campaign alone. */
  shared: boolean;
  source: "google" | "meta" | "tiktok" | "microsoft" | "linkedin" | "x" | "snapchat" | "pinterest" | "other" | null;
  params: LinkParams;
}

/** What the link was clicked with, by its own names: gclid, utm_source, … */
export interface LinkParams {
  [name: string]: string;
}

/** A form of a lead ad. */
export interface Lead {
  /** By which Meta knows the lead. */
  leadgenId: string | null;
  formId: string | null;
  formName: string | null;
  pageId: string | null;
  /** Null for an organic lead, and where Meta does not say. */
  adId: string | null;
  adName: string | null;
  adsetId: string | null;
  adsetName: string | null;
  campaignId: string | null;
  campaignName: string | null;
  /** When the form was sent, UNIX milliseconds. */
  createdAt: number | null;
  /** The form was reached from a post or the page, and not from an ad. */
  organic: boolean | null;
  /** fb, ig, … */
  platform: string | null;
  /** True: of Meta's testing tools, and no customer. */
  test: boolean | null;
  /** As Meta has them; null until they are read. */
  answers: LeadAnswer[] | null;
  /** The boxes of the form, as Meta has them; null where it has none. */
  disclaimers: LeadDisclaimer[] | null;
}

export interface LeadAnswer {
  /** The question's key, as the form has it. */
  name: string;
  /** Several where several may be chosen. */
  values: string[];
}

export interface LeadDisclaimer {
  checkbox_key: string;
  /** "1" or "0". */
  is_checked: string;
}

/** What is known of the contact's clicks on ads and links. */
export interface Attribution {
  firstClick: Click | null;
  lastClick: Click | null;
}

/** A click on an ad, or on a link, as stored for the contact. */
export interface Click {
  ctwaClid: string | null;
  adId: string | null;
  sourceUrl: string | null;
  headline: string | null;
  /** UNIX milliseconds; the message's time where that of a link's click is not known. */
  clickedAt: number | null;
  messageId: string | null;
  /** As the event had it; null for an ad's click. */
  link: Link | null;
  /** Where the ad's names are known, as those of its set and campaign. */
  adName: string | null;
  adsetName: string | null;
  campaignName: string | null;
}
