import { ApiPropertyOptional } from '../../common/openapi/decorators.js';
import { IsBoolean, IsObject, IsOptional, IsString, Length, Matches, MaxLength, Type, ValidateNested } from './decorators.js';
import type { GivenClaims } from '../../users/standard-claims.js';
import { DISPLAY_LINES, DISPLAY_TEXT, displayText } from './text-forms.js';

const NULLABLE_TEXT = { type: String, nullable: true };

/** The `address` claim, OIDC Core §5.1.1. */
export class AddressDto implements NonNullable<GivenClaims['address']> {
  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: '1 Main Street\nSpringfield, MA 01101\nUSA', description: 'As it stands on an envelope; may have several lines.' })
  @IsOptional() @IsString() @Length(1, 1000) @Matches(DISPLAY_LINES, displayText)
  formatted?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: '1 Main Street', description: 'May have several lines.' })
  @IsOptional() @IsString() @Length(1, 1000) @Matches(DISPLAY_LINES, displayText)
  street_address?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'Springfield' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  locality?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'MA' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  region?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: '01101' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  postal_code?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'USA' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  country?: string | null;
}

/** The standard claims of OIDC Core §5.1 beside username, e-mail address and name. What is not set is not shown. */
export class StandardClaimsDto implements GivenClaims {
  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'Margaret' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  given_name?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'Hamilton' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  family_name?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'Elaine' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  middle_name?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'Maggie' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  nickname?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, format: 'uri', example: 'https://people.example.com/margaret', description: 'Her profile page: an http or https URL.' })
  @IsOptional() @IsString() @MaxLength(2000)
  profile?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, format: 'uri', example: 'https://people.example.com/margaret.jpg', description: 'An image file: an http or https URL.' })
  @IsOptional() @IsString() @MaxLength(2000)
  picture?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, format: 'uri', example: 'https://margaret.example', description: 'An http or https URL.' })
  @IsOptional() @IsString() @MaxLength(2000)
  website?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'female', description: '`female`, `male`, or any other text where neither applies.' })
  @IsOptional() @IsString() @Length(1, 255) @Matches(DISPLAY_TEXT, displayText)
  gender?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: '1936-08-17', description: '`YYYY-MM-DD`, `0000-MM-DD` without the year, or `YYYY`.' })
  @IsOptional() @IsString() @MaxLength(10)
  birthdate?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'America/New_York', description: 'A time zone of the IANA database.' })
  @IsOptional() @IsString() @MaxLength(100)
  zoneinfo?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: 'en-US', description: 'A BCP 47 language tag.' })
  @IsOptional() @IsString() @MaxLength(100)
  locale?: string | null;

  @ApiPropertyOptional({ ...NULLABLE_TEXT, example: '+14255551212', description: 'In the form of E.164.' })
  @IsOptional() @IsString() @MaxLength(16)
  phone_number?: string | null;

  @ApiPropertyOptional({ default: false, description: 'Shown with the number.' })
  @IsOptional() @IsBoolean()
  phone_number_verified?: boolean;

  @ApiPropertyOptional({ type: AddressDto, nullable: true, description: 'A merge patch goes into it: it changes the members that it names.' })
  @IsOptional() @IsObject() @ValidateNested() @Type(() => AddressDto)
  address?: AddressDto | null;
}
